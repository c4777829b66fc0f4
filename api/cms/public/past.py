"""The public API as of a moment: what is public now, as it was then."""

import asyncio
from collections.abc import Sequence
from functools import partial

from api.cms.asked import Asked
from api.cms.public.bodies import NO_ENTRY
from commands.system import System, now, time_text
from domain.catalog import Catalog
from domain.errors import NotFound
from domain.ids import WorkspaceId
from projections.as_of import Then
from projections.moments import read_moment
from projections.published import past, rules, statements
from projections.published.past import Both
from projections.reader import ANYBODY, Rows, Statement
from projections.target import Target

NO_WORKSPACE = "Workspace not found"
NO_TYPE = "Object type not found"
MOST = 2  # at a time: a table of then may have to be made first


class Past:
    """Reads the past of a site for anybody."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._reading = asyncio.Semaphore(MOST)

    async def read(
        self,
        site: WorkspaceId,
        text: str,
        slug: str,
        present: Catalog,
        what: Asked | str,
    ) -> tuple[Then, Both, Rows]:
        """The moment, the type that had the slug then, and of it (total, the entries'
        JSON with commas between), or one row of an entry's.

        Raises NotFound where it was not public then or is not now, Invalid and
        Malformed for what is no moment.
        """
        async with self._reading:
            then, both = await self._then(site, text, slug, present)
            return then, both, await self._rows(then, both, what)

    async def _then(
        self, site: WorkspaceId, text: str, slug: str, present: Catalog
    ) -> tuple[Then, Both]:
        found = await self._system.as_of.at(ANYBODY, site, text)
        workspace = found.catalog.workspace
        if workspace is None or not rules.is_active(workspace):
            raise NotFound(NO_WORKSPACE)
        table = rules.find_public(found.catalog, slug)
        if table is None:
            raise NotFound(NO_TYPE)
        at = await self._time(found, text)
        known = Both(found.catalog, present, table, at, time_text(now())).of(table)
        if known is None:
            raise NotFound(NO_TYPE)
        return found, known

    async def _time(self, then: Then, text: str) -> str:
        """When the moment was, of a position when its event was recorded."""
        moment = read_moment(text, "as_of")
        if moment.at is not None:
            return moment.at.isoformat()
        statement: Statement = (_RECORDED, [then.workspace_id, then.position])
        answer = await self._system.reader.ask(
            ANYBODY, then.workspace_id, lambda _: [statement]
        )
        rows = answer.results[0]
        return str(rows[0][0]) if rows else time_text(0)

    async def _rows(self, then: Then, both: Both, what: Asked | str) -> Rows:
        if isinstance(what, Asked):
            sort = statements.sort_of(
                both.table, what.sort, descending=what.descending, fields=both.fields
            )

            def plan(target: Target) -> Sequence[Statement]:
                return [past.page(both, target, sort, what.limit, what.offset)]

        else:
            if not what:
                raise NotFound(NO_ENTRY)

            def plan(target: Target) -> Sequence[Statement]:
                return [past.one(both, target, what)]

        (rows,) = await self._system.as_of.rows(ANYBODY, then, both.table, plan)
        return [
            (*row[:-1], await self._opened(then, both, row[-1] or "")) for row in rows
        ]

    async def _opened(self, then: Then, both: Both, text: str) -> str:
        records: dict[str, str] = {}
        for other, ids in past.wanted(both, text).values():
            chosen = list(dict.fromkeys(ids))
            (rows,) = await self._system.as_of.rows(
                ANYBODY, then, other.table, partial(_several, other, chosen)
            )
            records.update(rows)
        return past.opened(both, text, records)


def _several(other: Both, ids: Sequence[str], target: Target) -> list[Statement]:
    return [past.several(other, target, ids)]


# by the primary key
_RECORDED = (
    b"SELECT ledger.rfc3339(recorded_at) FROM ledger.events"
    b" WHERE workspace_id = %s::uuid AND seq = %s::bigint"
)
