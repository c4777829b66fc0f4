"""Moments as clients name them: a position, or a time that stands for one.

A time is the position of the last event that was recorded by then, 0 before the first.
It is found by halving over the positions, which have no gap and whose times never fall:
one round trip and some twenty look-ups by the primary key, no further index.  What was
recorded at a time may still be on its way to be committed at that very time, so only a
position is the same for ever.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from domain.errors import Invalid, Malformed
from domain.ids import WorkspaceId
from domain.values.moments import parse_datetime
from domain.values.value import BadValue
from projections.reader import Statement

MOST_DIGITS = 18
# a plus that nobody escaped reaches us as a blank
_UNESCAPED_PLUS = re.compile(r" (\d\d:\d\d)$", re.ASCII)


@dataclass(frozen=True, slots=True)
class Moment:
    """One of the two: a position, or a time.  `name`: the parameter it came in."""

    name: str
    position: int | None = None
    at: datetime | None = None


def read_moment(text: str, name: str) -> Moment:
    """A position in digits, or an RFC 3339 time, in UTC where it names no offset.

    Raises Invalid.
    """
    if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS:
        return Moment(name, position=int(text))
    try:
        return Moment(name, at=parse_datetime(_UNESCAPED_PLUS.sub(r"+\1", text)))
    except BadValue as error:
        raise Invalid(
            f"{name} must be a position or a time such as 2024-01-31T10:00:00Z",
            field=name,
        ) from error


def just_before(moment: Moment) -> Moment:
    """The one behind which a range begins that has the moment itself in it."""
    if moment.at is not None:
        return replace(moment, at=moment.at - timedelta(microseconds=1))
    return replace(moment, position=max((moment.position or 0) - 1, 0))


def find(workspace_id: WorkspaceId, moment: Moment) -> Statement:
    """Asks for one row, which `found` reads."""
    if moment.position is not None:
        return _POSITION, [moment.position, moment.position, workspace_id]
    return _TIME, [workspace_id, moment.at, workspace_id, moment.at, workspace_id]


def found(moment: Moment, rows: Sequence[Sequence[Any]]) -> int:
    """The position.  Raises Malformed for a moment that is ahead of the head."""
    position, ahead = rows[0]
    if ahead:
        raise Malformed(f"{moment.name} is ahead of the present", field=moment.name)
    return int(position)


_POSITION = b"""
    SELECT %s::bigint, %s::bigint > seq
    FROM ledger.heads WHERE workspace_id = %s::uuid
"""

_TIME = b"""
    WITH RECURSIVE search (low, high) AS (
        SELECT 0::bigint, seq FROM ledger.heads WHERE workspace_id = %s::uuid
        UNION ALL
        SELECT CASE WHEN e.by_then THEN s.middle ELSE s.low END,
               CASE WHEN e.by_then THEN s.high ELSE s.middle - 1 END
        FROM (
            SELECT low, high, (low + high + 1) / 2 AS middle
            FROM search WHERE low < high
        ) AS s
        CROSS JOIN LATERAL (
            SELECT recorded_at <= %s::timestamptz AS by_then FROM ledger.events
            WHERE workspace_id = %s::uuid AND seq = s.middle
        ) AS e
    )
    SELECT s.low,
           %s::timestamptz > greatest(h.recorded_at, clock_timestamp())
    FROM search AS s, ledger.heads AS h
    WHERE s.low = s.high AND h.workspace_id = %s::uuid
"""
