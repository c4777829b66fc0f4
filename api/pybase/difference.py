"""What differs in a table between two moments: its records and its schema, told."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import orjson

from api.pybase.history import names_of_actors, schema_items
from api.pybase.schema_told import streams_of
from api.pybase.told import Telling
from commands.system import System
from domain.catalog import Field, Table
from domain.changes import Linked
from domain.ids import WorkspaceId
from domain.net_change import NetChange
from projections import history
from projections.snapshot import Snapshot
from projections.window import (
    Signed,
    Window,
    net_changes,
    schema_events,
    signed,
    signed_versions,
)


@dataclass(frozen=True, slots=True)
class Difference:
    """What is known before the records are looked at."""

    seen: Snapshot
    window: Window
    telling: Telling
    schema: Sequence[Mapping[str, Any]]

    async def pages(self) -> AsyncGenerator["Page", None]:
        """The records that differ, some at a time."""
        table = self.telling.table
        async with aclosing(net_changes(self.seen, self.window, table)) as pages:
            async for page in pages:
                yield await self._page(page)

    async def _page(self, page: Sequence[NetChange]) -> "Page":
        added = [one for one in page if one.there_after and not one.there_before]
        removed = [one for one in page if one.there_before and not one.there_after]
        both = [one for one in page if one.there_before and one.there_after]
        changed = [(one.record_id, self._changes(one)) for one in both]
        return Page(
            await self._added(added),
            await self._removed(removed),
            [one for one in changed if one[1]],
        )

    def _changes(self, net: NetChange) -> dict[str, Any]:
        """By name, without what looks the same."""
        found: dict[str, Any] = {}
        telling = self.telling
        for field_id, change in net.changes().items():
            if field_id not in telling.timelines:
                continue
            name = telling.names[field_id]
            if isinstance(change, Linked):
                found[name] = {"added": change.added, "removed": change.removed}
                continue
            before = telling.text(self._before(net, field_id), change.before)
            after = telling.text(self._after(net, field_id), change.after)
            if before != after:
                found[name] = {
                    "from": orjson.Fragment(before),
                    "to": orjson.Fragment(after),
                }
        return found

    def _before(self, net: NetChange, field_id: str) -> Field:
        """What the field was when the earlier value was kept; a moment within a batch
        may lie between a change of type and the values that it makes."""
        line = self.telling.timelines[field_id]
        seq, converted = net.before_at.get(field_id, (self.window.after, False))
        return line.before_conversion(seq) if converted else line.at(seq)

    def _after(self, net: NetChange, field_id: str) -> Field:
        line = self.telling.timelines[field_id]
        return line.at(net.after_at.get(field_id, self.window.upto))

    async def _added(self, nets: Sequence[NetChange]) -> list[dict[str, Any]]:
        """As they are at the end."""
        wanted = {one.made_at or 0 for one in nets} | {one.last[1] for one in nets}
        by = await _signed(self.seen, self.window, sorted(wanted))
        shown = []
        for one in nets:
            made = by[one.made_at or 0]
            created = one.created or (made.at, made.by)
            values = self._values(one, one.after, self._after)
            shown.append(
                self._record(one, values, one.last[0], created, by[one.last[1]])
            )
        return shown

    async def _removed(self, nets: Sequence[NetChange]) -> list[dict[str, Any]]:
        """As they were at the beginning."""
        versions = {one.record_id: (one.first or 1) - 1 for one in nets}
        by: Mapping[str, Signed] = {}
        if nets:
            by = await signed_versions(self.seen, self.window.workspace_id, versions)
        shown = []
        for one in nets:
            created = one.created or ("", "")
            values = self._values(one, one.before, self._before)
            version = versions[one.record_id]
            shown.append(self._record(one, values, version, created, by[one.record_id]))
        return shown

    def _values(
        self,
        net: NetChange,
        values: Mapping[str, Any],
        form_of: Callable[[NetChange, str], Field],
    ) -> dict[str, Any]:
        """Of every live field, and of a deleted one that has a value."""
        telling = self.telling
        found = {}
        for one in telling.table.all_fields.values():
            kept = values.get(one.id)
            if one.deleted and kept is None:
                continue
            form = form_of(net, one.id)
            found[telling.names[one.id]] = telling.shown(form, kept, net.number)
        return found

    def _record(
        self,
        net: NetChange,
        values: Mapping[str, Any],
        version: int,
        created: tuple[str, str],
        updated: Signed,
    ) -> dict[str, Any]:
        return {
            "id": net.record_id,
            "table_id": self.telling.table.id,
            "fields": values,
            "version": version,
            "created_by_id": created[1],
            "last_modified_by_id": updated.by,
            "created_at": created[0],
            "updated_at": updated.at,
        }


@dataclass(frozen=True, slots=True)
class Page:
    added: Sequence[Mapping[str, Any]]
    removed: Sequence[Mapping[str, Any]]
    changed: Sequence[tuple[str, Mapping[str, Any]]]


async def _signed(
    seen: Snapshot, window: Window, positions: Sequence[int]
) -> Mapping[int, Signed]:
    if not positions:
        return {}
    return await signed(seen, window.workspace_id, positions)


async def difference_of(
    system: System, seen: Snapshot, window: Window, table: Table
) -> Difference:
    workspace_id: WorkspaceId = window.workspace_id
    rows = await seen.rows(*history.field_changes(workspace_id, table))
    telling = Telling(table, history.timelines(table, workspace_id, rows))
    events = await schema_events(seen, window, streams_of(table))
    names = await names_of_actors(system, events)
    schema = [one.json(names) for one in schema_items(events, table, seen.catalog)]
    return Difference(seen, window, telling, schema)
