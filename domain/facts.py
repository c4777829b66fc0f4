"""The facts that a group of units is decided on, and what the deciders made of them.

The committer loads them under the head's lock, so they are decisive.  Later commands
of the group see earlier ones: each event is folded in at once, and what a refused unit
did is taken back from a journal.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from domain.catalog import Catalog, Field, Table
from domain.events import Actor
from domain.frozen import frozen
from domain.ids import RecordId
from domain.values import Value

_ABSENT = object()


@frozen
class Link:
    """A link as one record sees it: the other record, its own place in that one's list
    (`there`), and the other's in its own (`here`).  By both a link that was removed is
    put back where it was."""

    target: RecordId
    there: int
    here: int


def in_order(links: Iterable[Link]) -> list[Link]:
    """As they stand in a record's list."""
    return sorted(links, key=lambda link: (link.here, link.target))


@frozen
class Row:
    """A live record: `values` of its columns, `links` by field, in order."""

    id: RecordId
    table_id: str
    number: int
    version: int
    values: Mapping[str, Value]
    links: Mapping[str, tuple[Link, ...]]
    created_at: str
    created_by: str
    updated_at: str
    updated_by: str

    def value(self, field_id: str) -> Value:
        linked = self.links.get(field_id)
        if linked is not None:
            return [link.target for link in linked] or None
        return self.values.get(field_id)


@dataclass(frozen=True, slots=True)
class File:
    """An uploaded file: `type` is its content type, `size` in bytes."""

    id: str
    name: str
    type: str
    size: int
    sha256: str


@frozen
class Cell:
    """A record's value of one field.  `places`: of links, its place in the lists of the
    records at the other end; `own_places`: theirs in its own, in order."""

    record_id: RecordId
    number: int
    value: Value
    places: Mapping[str, int] = field(default_factory=dict)
    own_places: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Stretch:
    """A field's cells of the records numbered above `after`, up to `upto`.  `before`:
    what an earlier conversion, which is to be taken back, said of them."""

    after: int
    upto: int
    cells: Sequence[Cell]
    before: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


# a field's whole column, anew at each call: (table, field as it is stored, the id of a
# conversion to take back) -> stretches by number
Stretches: TypeAlias = Callable[[Table, Field, str | None], Iterable[Stretch]]


def _nothing_read(
    _table: Table, _field: Field, _conversion: str | None
) -> Iterable[Stretch]:
    return ()


@dataclass
class Needs:
    """What commands will look at, beyond the catalogue.  Filled by each command."""

    counters: set[str] = field(default_factory=set)
    records: dict[str, set[str]] = field(default_factory=dict)  # table -> ids, whole
    targets: dict[str, set[str]] = field(default_factory=dict)  # table -> ids, version
    gone: set[str] = field(default_factory=set)  # deleted records to bring back
    keys: set[tuple[str, bytes]] = field(default_factory=set)
    columns: set[tuple[str, str]] = field(default_factory=set)  # (table, field)
    few: set[tuple[str, str]] = field(default_factory=set)  # the same, of small tables
    filled: set[str] = field(default_factory=set)  # constraints
    slugs: set[str] = field(default_factory=set)
    emails: set[str] = field(default_factory=set)
    usernames: set[str] = field(default_factory=set)
    users: set[str] = field(default_factory=set)
    api_keys_of: set[str] = field(default_factory=set)  # users
    tokens: bool = False  # the workspace's access tokens
    files: set[str] = field(default_factory=set)
    foreign: set[str] = field(default_factory=set)  # streams of programs
    after: list[int] = field(default_factory=list)  # positions, for the events since

    def whole(self, table_id: str, ids: Iterable[str]) -> None:
        self.records.setdefault(table_id, set()).update(ids)

    def target(self, table_id: str, ids: Iterable[str]) -> None:
        self.targets.setdefault(table_id, set()).update(ids)

    def include(self, other: "Needs") -> None:
        """Of what many new records look at: counters, keys, files, targets, whole
        rows."""
        self.counters |= other.counters
        self.files |= other.files
        self.keys |= other.keys
        for table_id, ids in other.targets.items():
            self.target(table_id, ids)
        for table_id, ids in other.records.items():
            self.whole(table_id, ids)


class Facts:
    """Mutable by `put` alone, so that the journal knows everything."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.actor = Actor("system", "")
        self.now = ""
        self.position = 0  # of the last event so far: orders links
        self.rows: dict[str, Row | None] = {}  # None: known not to be there
        self.versions: dict[str, int] = {}  # of records, live or deleted
        self.live: dict[str, bool] = {}
        # (field, record at the other end of a link) -> how many links that one has
        self.held: dict[tuple[str, str], int] = {}
        self.taken: dict[tuple[str, bytes], str] = {}
        self.counters: dict[str, int] = {}
        # of all records of a table, by field: value by record
        self.columns: dict[str, dict[str, Value]] = {}
        self.stretches: Stretches = _nothing_read  # too long to be held at once
        # the same, or None where there are too many to be looked at under the lock
        self.few: dict[str, dict[str, Value] | None] = {}
        self.filled: dict[str, bool] = {}  # pending constraints: all values seen, once
        self.slugs: dict[str, str] = {}
        self.emails: dict[str, str] = {}
        self.usernames: dict[str, str] = {}  # of those asked for, whose they are
        self.users: dict[str, int] = {}  # version by id
        self.api_keys: dict[str, str] = {}  # of those that are there, the user
        self.tokens: dict[str, str] = {}  # the same of access tokens
        self.files: dict[str, File] = {}  # of those asked for, the ones that are there
        self.foreign: dict[str, int] = {}  # last version as its program counts
        # since a position: (stream, type, data) of each event
        self.after: Sequence[tuple[str, str, str]] = ()
        self.sessions: set[str] = set()  # of the callers, those that are alive
        self._journal: list[tuple[dict[Any, Any], Any, Any]] = []
        self._saved = (catalog, 0)

    def put(self, where: dict[Any, Any], key: Any, value: Any) -> None:
        self._journal.append((where, key, where.get(key, _ABSENT)))
        where[key] = value

    def drop(self, where: dict[Any, Any], key: Any) -> None:
        if key in where:
            self._journal.append((where, key, where.pop(key)))

    def mark(self) -> None:
        """From here on `rollback` takes everything back."""
        self._journal.clear()
        self._saved = (self.catalog, self.position)

    def rollback(self) -> None:
        for where, key, before in reversed(self._journal):
            if before is _ABSENT:
                where.pop(key, None)
            else:
                where[key] = before
        self._journal.clear()
        self.catalog, self.position = self._saved

    def is_live(self, record_id: str) -> bool:
        return self.live.get(record_id, False)

    def links_held(self, field_id: str, record_id: str) -> int | None:
        """How many links a record has through a field; None where nobody has looked,
        because none of them is about to go."""
        row = self.rows.get(record_id)
        if row is not None:
            return len(row.links.get(field_id, ()))
        return self.held.get((field_id, record_id))
