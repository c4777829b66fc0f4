"""Webhooks: what is told of which event to whom, as rows to be delivered.

    feed ─► Webhooks (a follower) ─► deliveries, in the transaction of its position

    names      what an event is called
    happened   an event with what was around it; what a surface has to be
    catalogs   the catalogue of each event's position
    records    a record's row before and after each of its events
    telling    which webhooks take an event, and their deliveries
    replaying  what has happened told again

Nothing is sent here (`workers/deliveries`), and how it is said is the surfaces'
(`api/<surface>/hooks`).  What a delivery says is made here once, of what was there when
it happened, in the names of that moment.  A workspace that never had a webhook is
passed by.
"""

from workers.webhooks.follower import NAME, Webhooks
from workers.webhooks.happened import Body, Happened, Surface
from workers.webhooks.names import OF_CONTENT, OF_TABLES
from workers.webhooks.replaying import FAILED, MOST, again

__all__ = [
    "FAILED",
    "MOST",
    "NAME",
    "OF_CONTENT",
    "OF_TABLES",
    "Body",
    "Happened",
    "Surface",
    "Webhooks",
    "again",
]
