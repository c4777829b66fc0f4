"""The port for programs that are written with the `eventsourcing` library.

Its recorders over our ledger, so that its applications, projections, runners and
subscriptions work on it (`PERSISTENCE_MODULE=commands.recorder`):

    notification id = global_seq of the sealed feed: without a gap, in commit order
    an event of ours      topic = its type, state = the very bytes, originator = stream
    an event of theirs    as they gave it, kept in the workspace `domain.ids.FOREIGN`

Reading and following is done as the follower's role, appending through a committer of
one's own.  Nothing that serves may import this: the library patches `dataclasses`.
"""

from commands.recorder.factory import Factory, Ledger
from commands.recorder.mapping import LedgerMapper, LedgerNotification, PlainMapper
from commands.recorder.recorders import (
    LedgerProcessRecorder,
    LedgerRecorder,
    LedgerTrackingRecorder,
)

__all__ = [
    "Factory",
    "Ledger",
    "LedgerMapper",
    "LedgerNotification",
    "LedgerProcessRecorder",
    "LedgerRecorder",
    "LedgerTrackingRecorder",
    "PlainMapper",
]
