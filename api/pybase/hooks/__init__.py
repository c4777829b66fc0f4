"""What PyBase's webhooks are told, in the shape of Standard Webhooks.

    {"type": "record.updated", "timestamp": …, "data": {
        "webhook_id", "workspace_id", "base_id", "table_id", "record_id",
        "position", "event_id", "batch_id", "actor": {"kind", "id"}, "surface", "undo",
        "record", "before", "after", "changed_fields"}}

`record` is the whole record right after the event, or before it where it was deleted,
as `GET /records/{id}` showed it then.  `before` and `after` have what changed by name:
`before` is null where something was made, `after` where it was deleted.  Of fields and
tables there is `field_id` and `field`, and `table`, in the place of the record's.

All of it is in the names and choices of that moment.  Members are told by their ids.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from api.pybase import present
from domain.catalog import Catalog, Field, Table
from domain.facts import Row
from domain.ids import FieldId
from domain.values import Value
from workers.webhooks import OF_TABLES, Body, Happened

Told = dict[str, Any]
_NOW = "updated_at"  # changes with every change


class PyBase:
    """Records, fields and tables."""

    names = OF_TABLES

    def tell(self, happened: Happened) -> Body | None:
        name = self.names[happened.envelope.type]
        noun = name.partition(".")[0]
        said = _SAYS[noun](happened)
        return _body(name, noun, happened, said)


@dataclass(frozen=True, slots=True)
class Said:
    """The thing as JSON, and what changed of it, by name."""

    shown: Any
    before: Told | None
    after: Told | None
    changed: Iterable[str]


def _body(name: str, noun: str, happened: Happened, said: Said) -> Body:
    one = happened.envelope
    head = b'{"type":%b,"timestamp":%b,"data":{"webhook_id":' % (
        orjson.dumps(name),
        orjson.dumps(one.recorded_at),
    )
    rest = orjson.dumps(
        {
            "workspace_id": one.workspace_id,
            "base_id": happened.table.base_id,
            "table_id": happened.table_id,
            f"{noun}_id": one.stream,
            "position": one.seq,
            "event_id": one.id,
            "batch_id": one.batch_id,
            "actor": {"kind": one.actor_kind, "id": one.actor_id},
            "surface": one.surface,
            "undo": happened.undo,
            noun: said.shown,
            "before": said.before,
            "after": said.after,
            "changed_fields": list(said.changed),
        }
    )
    return lambda webhook_id: b'%b"%b",%b}' % (head, webhook_id.encode(), rest[1:])


# -------------------------------------------------------------------------- records


def _record(happened: Happened) -> Said:
    table = happened.table
    before, after = happened.row_before, happened.row_after
    row = after or before
    if row is None:
        raise LookupError("neither a row before nor one after")
    fields = table.fields
    if before is None or after is None:
        changed = [one for one in fields if _has_value(row, one)]
    else:
        touched = happened.event.touched() or ()
        changed = fields = tuple(one for one in fields if one.id in touched)  # type: ignore[assignment]
    return Said(
        orjson.Fragment(_record_text(table, row)),
        None if before is None else _values(before, fields),
        None if after is None else _values(after, fields),
        [one.name for one in changed],
    )


def _has_value(row: Row, field: Field) -> bool:
    return field.type == "autonumber" or row.value(field.id) is not None


def _values(row: Row, fields: Iterable[Field]) -> Told:
    return {
        one.name: orjson.Fragment(_shower(_Same(one))(row.value(one.id), row.number))
        for one in fields
    }


class _Same:
    """Carries a field past the cache, where it is its own key."""

    __slots__ = ("field",)

    def __init__(self, one: Field) -> None:
        self.field = one

    def __hash__(self) -> int:
        return id(self.field)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.field is self.field


@lru_cache(maxsize=4096)
def _shower(of: _Same) -> Callable[[Any, int], bytes]:
    return present.shower(of.field)


def _record_text(table: Table, row: Row) -> bytes:
    values: dict[str, Value] = {**row.values}
    values |= {name: row.value(name) for name in row.links}
    return present.record_text(table)(
        row.id,
        row.number,
        values,
        row.version,
        (row.created_at, row.created_by),
        (row.updated_at, row.updated_by),
    )


# ------------------------------------------------------------------ fields and tables


def _field(happened: Happened) -> Said:
    field_id = FieldId(happened.envelope.stream)
    return _of_schema(
        _shown_field(happened.before, happened, field_id),
        _shown_field(happened.after, happened, field_id),
    )


def _shown_field(
    catalog: Catalog, happened: Happened, field_id: FieldId
) -> Told | None:
    table = catalog.tables.get(happened.table_id)
    one = None if table is None else table.all_fields.get(field_id)
    if table is None or one is None or one.deleted:
        return None
    return present.field(table, one)


def _table(happened: Happened) -> Said:
    before = happened.table_before
    return _of_schema(_shown_table(before), _shown_table(happened.table))


def _shown_table(one: Table | None) -> Told | None:
    if one is None or one.deleted:
        return None
    return present.table(one, with_fields=False)


def _of_schema(before: Told | None, after: Told | None) -> Said:
    if before is None or after is None:
        shown = after or before or {}
        return Said(shown, before, after, list(shown))
    changed = [
        name for name in after if name != _NOW and after[name] != before.get(name)
    ]
    return Said(
        after,
        {name: before.get(name) for name in changed},
        {name: after[name] for name in changed},
        changed,
    )


_SAYS = {"record": _record, "field": _field, "table": _table}
