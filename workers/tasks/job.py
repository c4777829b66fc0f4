"""What a kind of task has to be."""

from collections.abc import Sequence
from typing import Protocol

CHANNEL = "tabellion_due"  # notified by whoever writes a row that is due now


class Job(Protocol):
    """A kind of task.  `name` is a word that no other has; it goes over the wire."""

    @property
    def name(self) -> str: ...

    async def overdue(self, most: int) -> Sequence[str]:
        """Ids that are due now and that nobody was told of lately, the oldest first;
        marks them as told, for no longer than a minute.

        Raises psycopg.Error, Unavailable.
        """

    async def perform(self, id: str) -> None:
        """Does it and writes down how it went; or finds that it is not due, that
        another has its lease, or that there is no such task.

        May be cancelled at any await: then it is done again when its lease is over.
        Raises psycopg.Error, Unavailable where nothing could be written down.
        """
