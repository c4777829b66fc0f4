"""What the CMS's webhooks are told: the document's six keys, and no other.

    {"event": "entry.created", "workspace_id", "object_type_id", "entry_id",
     "data": {…}, "timestamp": …}

`data` is an entry's content, private fields too: it is the workspace's own integration
that is told.  Of a deleted entry it is what was deleted.  Of an object type it is the
type with its definitions, and `entry_id` is null.

A type that is made is told once, with the fields that it was made with; each later
change of its fields is an update of it.  What changes nothing that the CMS shows is not
told.
"""

from typing import Any

import orjson

from api.cms import data, present
from domain.catalog import Catalog, Table
from domain.facts import Row
from workers.webhooks import OF_CONTENT, Body, Happened

CREATED, UPDATED = "object_type.created", "object_type.updated"


class Cms:
    """Entries and object types."""

    names = OF_CONTENT

    def tell(self, happened: Happened) -> Body | None:
        name = self.names[happened.envelope.type]
        if name == CREATED:
            said, entry_id = _made(happened), None
        elif name == UPDATED:
            said, entry_id = _changed(happened), None
        else:
            said, entry_id = _entry(happened), happened.envelope.stream
        return None if said is None else _body(name, happened, entry_id, said)


def _body(name: str, happened: Happened, entry_id: str | None, said: bytes) -> Body:
    one = happened.envelope
    text = orjson.dumps(
        {
            "event": name,
            "workspace_id": one.workspace_id,
            "object_type_id": happened.table_id,
            "entry_id": entry_id,
            "data": orjson.Fragment(said),
            "timestamp": one.recorded_at,
        }
    )
    return lambda _: text


def _entry(happened: Happened) -> bytes | None:
    """None where nothing changed of what is shown."""
    table = happened.table
    before, after = (
        None if row is None else _content(table, row)
        for row in (happened.row_before, happened.row_after)
    )
    return None if before == after else after or before


def _content(table: Table, row: Row) -> bytes:
    return data.shown(table, row.value, row.number)


def _made(happened: Happened) -> bytes | None:
    """As it was when the batch that made it ended."""
    ended = _type(happened.ended, happened)
    return ended or _type(happened.after, happened)


def _changed(happened: Happened) -> bytes | None:
    if _type(happened.began, happened) is None:
        return None  # it was told when it was made
    before, after = _type(happened.before, happened), _type(happened.after, happened)
    return None if before == after else after


def _type(catalog: Catalog | None, happened: Happened) -> bytes | None:
    """None where it is not there."""
    table = None if catalog is None else catalog.tables.get(happened.table_id)
    if catalog is None or table is None or table.deleted:
        return None
    shown: dict[str, Any] = present.object_type(catalog, table)
    return orjson.dumps(shown)
