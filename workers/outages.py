"""What does not answer is told once in a process, whoever found it, and then ever more
rarely."""

import logging
import time
from functools import cache
from threading import Lock

from workers.loops import first_line

log = logging.getLogger(__name__)

FIRST_PAUSE = 60.0  # seconds, until the same outage is told again; then twice as many
LONGEST_PAUSE = 3600.0
CALM_SECONDS = 60.0  # after which an outage is another one


class Outage:
    """`meanwhile`: what comes of it.  For any thread."""

    def __init__(self, name: str, meanwhile: str) -> None:
        self._name, self._meanwhile = name, meanwhile
        self._lock = Lock()
        self._failing = self._told = False
        self._pause = FIRST_PAUSE
        self._told_at = self._well_since = float("-inf")

    def failed(self, error: BaseException) -> None:
        now = time.monotonic()
        with self._lock:
            if not self._failing and now - self._well_since >= CALM_SECONDS:
                self._pause, self._told_at = FIRST_PAUSE, float("-inf")
            self._failing = True
            if now - self._told_at < self._pause:
                return
            if self._told_at > float("-inf"):
                self._pause = min(2 * self._pause, LONGEST_PAUSE)
            self._told_at, self._told = now, True
        what = first_line(error)
        log.warning("%s does not answer: %s; %s", self._name, what, self._meanwhile)

    def answered(self) -> None:
        if not self._failing:
            return
        with self._lock:
            told, self._told, self._failing = self._told, False, False
            self._well_since = time.monotonic()
        if told:
            log.info("%s answers again", self._name)


@cache
def redis_at(url: str) -> Outage:
    """Of one Redis, for all in the process who ask it."""
    return Outage("Redis", "rates are counted and tasks performed in each process")
