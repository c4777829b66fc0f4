"""The one way out to addresses that users name.

    url ── urls ──► scheme, host, port, path        what it says, in one reading
        ── guard ─► its port; its address, where it is one
        ── looking_up ─► addresses, all of them judged by the guard
        ── connecting ─► one of those: what was judged is what is connected to
        ── client ─► an answer, of a size and within a time

No redirect is followed, no proxy asked and no cookie kept: whatever leads elsewhere
would lead past the guard.
"""

from commands.outbound.client import Answer, Outbound
from commands.outbound.errors import Refused, Unreachable
from commands.outbound.guard import Guard
from commands.outbound.urls import Target

__all__ = ["Answer", "Guard", "Outbound", "Refused", "Target", "Unreachable"]
