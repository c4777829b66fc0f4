"""What comes after an attempt: delivered, once more, or never again.

Pure: the time and the spread are arguments.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TypeAlias

LONGEST_ASKED = 3600.0  # seconds; a receiver may ask for more, and is asked again
SHORTEST_ASKED = 1.0
GONE = 410
WAITS = (429, 503)  # the statuses that may say when to come again
_SECONDS = re.compile(r"[0-9]+", re.ASCII)
# the one form that RFC 9110 has senders use
_DATE = re.compile(
    r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one try went.  `error` and no status: there was no reply."""

    at: float  # seconds since the epoch
    seconds: float
    status: int | None = None
    error: str | None = None
    reply: bytes = b""  # how it began
    retry_after: str | None = None  # the header, as it came

    @property
    def delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver has it."""


@dataclass(frozen=True, slots=True)
class Again:
    """It is tried again in some seconds; `rests`: and nothing else of its webhook
    before, because the receiver asked for that."""

    seconds: float
    reason: str
    rests: bool = False


@dataclass(frozen=True, slots=True)
class Dead:
    """It is not tried again; `gone`: and nothing else either."""

    reason: str
    gone: bool = False


Verdict: TypeAlias = Delivered | Again | Dead


def verdict(
    attempt: Attempt, number: int, schedule: Sequence[float], spread: float
) -> Verdict:
    """What an attempt means that was the `number`th; the first one is 1.

    `schedule`: the seconds after each that failed.  `spread`: about 1, so that what
    failed together does not come together.
    """
    if attempt.delivered:
        return Delivered()
    reason = reason_of(attempt)
    if attempt.status == GONE:
        return Dead(reason, gone=True)
    if number > len(schedule):
        return Dead(f"{reason}, at the last of {number} attempts")
    if attempt.status in WAITS:
        asked = seconds_asked(attempt.retry_after, attempt.at + attempt.seconds)
        if asked is not None:
            return Again(asked, reason, rests=True)
    return Again(schedule[number - 1] * spread, reason)


def reason_of(attempt: Attempt) -> str:
    """Why it failed, in a few words."""
    if attempt.error is not None:
        return attempt.error
    if attempt.status is not None and 300 <= attempt.status < 400:
        return f"the receiver answered {attempt.status}, and redirects are not followed"
    if attempt.status == GONE:
        return "the receiver answered 410: it wants nothing more"
    return f"the receiver answered {attempt.status}"


def seconds_asked(header: str | None, now: float) -> float | None:
    """What a Retry-After asks for, within bounds; None where it makes no sense."""
    text = (header or "").strip()
    if _SECONDS.fullmatch(text):
        return _bounded(float(text))
    if not _DATE.fullmatch(text):
        return None
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return _bounded(moment.replace(tzinfo=UTC).timestamp() - now)


def _bounded(seconds: float) -> float:
    return min(max(seconds, SHORTEST_ASKED), LONGEST_ASKED)
