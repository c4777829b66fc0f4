"""The workspace that the tests of the domain stand on: authors and their books.

authors (table 1)  Name, text      Born, number     Genre, one of three
                   No., autonumber Books, links     (the other end of Author)
books   (table 2)  Title, text     Author, links    Pages, number
"""

from collections.abc import Mapping, Sequence
from typing import Any

from domain.base import BaseCreated
from domain.constraint import FOLDING, ConstraintCreated
from domain.events import Event
from domain.field import FieldCreated
from domain.ids import BaseId, FieldId, RecordId, TableId
from domain.record import Change, CreateRecords, RecordCreated, UpdateRecords
from domain.table import TableCreated
from domain.values import Value
from domain.view import ViewCreated
from domain.webhook import OUTGOING, WebhookCreated
from domain.workspace import MemberAdded, WorkspaceCreated
from tests.scenario import WORKSPACE, Store, record

GENRES = [
    {"id": "opt_poem", "name": "Poem"},
    {"id": "opt_prose", "name": "Prose"},
    {"id": "opt_play", "name": "Play"},
]


def field(
    field_id: str,
    table_id: str,
    name: str,
    type_: str,
    *,
    position: int = 0,
    required: bool = False,
    **options: Any,
) -> FieldCreated:
    """A field that was made; the one at position 0 is the primary."""
    return FieldCreated(
        field_id, table_id, name, type_, options, required, None, position, not position
    )


def link(
    field_id: str,
    table_id: str,
    name: str,
    *,
    to: str,
    reverse: str,
    position: int,
    required: bool = False,
    **options: Any,
) -> FieldCreated:
    """One end of a link between two tables; `is_reverse` marks the other one."""
    return field(
        field_id,
        table_id,
        name,
        "linked_record",
        position=position,
        required=required,
        linked_table_id=to,
        reverse_field_id=reverse,
        **options,
    )


def unique(
    field_id: str,
    table_id: str,
    *,
    case_sensitive: bool = True,
    status: str = "active",
    message: str | None = None,
) -> ConstraintCreated:
    return ConstraintCreated(
        f"unique-{field_id}",
        table_id,
        field_id,
        case_sensitive,
        status,
        message,
        FOLDING,
    )


def view(
    view_id: str,
    table_id: str,
    type_: str = "grid",
    *,
    position: int = 0,
    filters: Sequence[Any] = (),
    sorts: Sequence[Any] = (),
    **config: Any,
) -> ViewCreated:
    return ViewCreated(
        view_id,
        table_id,
        view_id.title(),
        type_,
        config,
        list(filters),
        list(sorts),
        position,
    )


def webhook(webhook_id: str, table_id: str | None = None) -> WebhookCreated:
    """One that tells of new records."""
    return WebhookCreated(
        webhook_id,
        table_id,
        webhook_id.title(),
        OUTGOING,
        ["record.created"],
        {},
        {"id": "target", "origin": "https://example.org"},
        True,
        False,
    )


def author(number: int, links: dict[str, dict[str, int]] | None = None, **values: Any):
    """Author number so many, with its values by field id."""
    return RecordCreated(record(number), "authors", number, values, links or {})


def book(number: int, links: dict[str, dict[str, int]] | None = None, **values: Any):
    return RecordCreated(record(number, table=2), "books", number, values, links or {})


MEMBERS: list[Event] = [
    WorkspaceCreated(WORKSPACE, "Library", "library", None, "owner"),
    MemberAdded("member-1", "owner", "owner"),
    MemberAdded("member-2", "admin", "admin"),
    MemberAdded("member-3", "editor", "editor"),
    MemberAdded("member-4", "viewer", "viewer"),
]

AUTHORS: list[Event] = [
    *MEMBERS,
    BaseCreated("base", "Base", None, None),
    TableCreated("authors", "base", 1, "Authors", None, 0),
    field("name", "authors", "Name", "text"),
    field("born", "authors", "Born", "number", position=1),
    field("genre", "authors", "Genre", "single_select", position=2, choices=GENRES),
    field("no", "authors", "No.", "autonumber", position=3),
]

BOOKS: list[Event] = [
    *AUTHORS,
    TableCreated("books", "base", 2, "Books", None, 1),
    field("title", "books", "Title", "text"),
    link("author", "books", "Author", to="authors", reverse="works", position=1),
    link(
        "works",
        "authors",
        "Books",
        to="books",
        reverse="author",
        position=4,
        is_reverse=True,
    ),
    field("pages", "books", "Pages", "number", position=2),
]

ADA, BOB, CAT, DAN = (record(number) for number in range(1, 5))
EMMA, FAUST, GLAS, HIOB = (record(number, table=2) for number in range(1, 5))
NOBODY = record(99)
ELSEWHERE = RecordId("22222222-2222-4222-8222-222222222222")

BASE = BaseId("base")
THE_AUTHORS, THE_BOOKS = TableId("authors"), TableId("books")
NAME, BORN, GENRE, NO, WORKS = (
    FieldId(name) for name in ("name", "born", "genre", "no", "works")
)
TITLE, AUTHOR, PAGES = (FieldId(name) for name in ("title", "author", "pages"))


def create(
    given: Sequence[Event],
    *records: tuple[RecordId, Mapping[str, Value]],
    table: TableId = THE_AUTHORS,
) -> CreateRecords:
    """The wish for new records, read against the table as these events leave it."""
    schema_seq = Store(given).catalog.live_table(table).schema_seq
    return CreateRecords(table, schema_seq, records)


def update(
    *records: tuple[RecordId, Mapping[str, Value]], table: TableId = THE_AUTHORS
) -> UpdateRecords:
    return UpdateRecords(table, None, [Change(one, values) for one, values in records])


def place(given: Sequence[Event], nth: int = 1) -> int:
    """The place of the nth link that a command makes after these events: at the end
    of the other record's list, for it is higher than every place before."""
    return ((len(given) + 1) << 20) + nth
