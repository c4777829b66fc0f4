"""Replies' bodies: entries, and what is said of their type beside them."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from api.cms.asked import Asked
from api.cms.fields import schema
from api.cms.public.sanitising import clean_json
from domain.catalog import Catalog, Field, Table
from domain.errors import NotFound
from projections.published import statements
from projections.reader import Rows

NO_ENTRY = "Entry not found"
_MUCH_HTML = 100_000  # characters, from which on cleaning would hold the others up


@dataclass(frozen=True, slots=True)
class Told:
    """A type as a reply tells it: its fields that leave, and what `related` says that a
    relation leads to, where that leaves too."""

    catalog: Catalog
    table: Table
    fields: Sequence[Field]
    related: Callable[[Catalog, Field], object]

    @property
    def meta(self) -> dict[str, Any]:
        workspace, table = self.catalog.live_workspace(), self.table
        return {
            "object_type": {"id": table.id, "name": table.name, "slug": table.slug},
            "workspace": {
                "id": workspace.id,
                "name": workspace.name,
                "slug": workspace.slug,
            },
        }

    @property
    def schema(self) -> list[dict[str, Any]]:
        """What is private is not named; nor is a type that is not public."""
        return [self._defined(one) for one in self.fields]

    def _defined(self, field: Field) -> dict[str, Any]:
        told = schema(self.catalog, field)
        if told["relation_to"] and self.related(self.catalog, field) is None:
            told["relation_to"] = None
        return told


async def body(told: Told, what: Asked | str, rows: Rows, *, clean: bool) -> bytes:
    """`rows`: of a list (total, the entries with commas between), of an entry itself.

    Raises NotFound where the entry is not there.
    """
    meta = told.meta
    if isinstance(what, Asked):
        total, text = rows[0]
        data = f"[{await _cleaned(text or '', clean=clean)}]"
        meta["pagination"] = what.pagination(total)
    elif rows:
        data = await _cleaned(rows[0][0], clean=clean)
    else:
        raise NotFound(NO_ENTRY)
    meta["schema"] = told.schema
    return b'{"data":%b,"meta":%b}' % (data.encode(), orjson.dumps(meta))


async def _cleaned(text: str, *, clean: bool) -> str:
    pieces = statements.split(text)
    if clean and len(pieces) > 1:
        if len(text) > _MUCH_HTML:
            await asyncio.to_thread(_clean_pieces, pieces)
        else:
            _clean_pieces(pieces)
    return "".join(pieces)


def _clean_pieces(pieces: list[str]) -> None:
    for number in range(1, len(pieces), 2):
        pieces[number] = clean_json(pieces[number])
