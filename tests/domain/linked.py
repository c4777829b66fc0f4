"""Books that follow each other and authors who wrote them: histories with links."""

from typing import Any

from domain.ids import RecordId
from domain.record import RecordDeleted, RecordLinksChanged
from tests.domain.histories import SCHEMA
from tests.domain.library import (
    ADA,
    BOB,
    EMMA,
    FAUST,
    THE_BOOKS,
    author,
    book,
    update,
)


def told(record: str, field: str, *, added: Any = (), removed: Any = ()):
    table = "authors" if field == "works" else "books"
    return RecordLinksChanged(record, table, field, [*added], [*removed])


# Faust follows Emma, and nobody Glas: a book has one sequel, and many prequels
SERIES = [
    *SCHEMA,
    book(2),
    book(1, {"sequel": {FAUST: 1}}, sequel=[FAUST]),
    told(FAUST, "prequel", added=[[EMMA, 1]]),
    book(3),
]
# Emma is by Ada and Bob, Faust by Ada
WRITTEN = [
    *SCHEMA,
    author(1),
    author(2),
    book(1, {"author": {ADA: 1, BOB: 2}}, author=[ADA, BOB]),
    told(ADA, "works", added=[[EMMA, 1]]),
    told(BOB, "works", added=[[EMMA, 2]]),
    book(2, {"author": {ADA: 3}}, author=[ADA]),
    told(ADA, "works", added=[[FAUST, 3]]),
]


def books(*changes: tuple[RecordId, dict[str, Any]]):
    return update(*changes, table=THE_BOOKS)


def gone(
    record: str,
    number: int,
    field: str,
    places: dict[str, int],
    since: int,
    own: list[int],
):
    """A deletion.  `places`: its own in the lists of others; `own`: theirs in its."""
    return RecordDeleted(
        record,
        "books" if field in ("author", "sequel", "prequel") else "authors",
        number,
        {field: list(places)},
        {field: places},
        f"2024-01-01T00:00:{since}.000000Z",
        "",
        {field: own},
    )
