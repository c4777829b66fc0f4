"""A client that asks for one table's lists, and sees how they were read."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from commands.system import System
from domain.catalog import Catalog
from domain.ids import TableId
from projections.lists import Asked, Lists, Wanted
from projections.order import Order
from projections.query import EVERYTHING, Page, Query, compare, find_field, sort_by
from projections.reader import Caller, Found, Plan, Statement
from projections.records.output import Rendition
from tests.commands.tenant import Tenant

PAGE = Page(3, 0)


@dataclass
class Asking:
    """A client that asks for one table's lists; counts how often a query was read."""

    system: System
    caller: Caller
    tenant: Tenant
    table_id: TableId
    lists: Lists = field(init=False)
    ask: Callable[[Plan], Awaitable[Found]] = field(init=False)
    read: int = 0  # queries
    asked: int = 0  # questions, where replies are delayed
    fields: list[dict[str, Any]] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.lists = Lists()
        self.ask = partial(
            self.system.reader.ask, self.caller, self.tenant.workspace_id
        )

    async def names(
        self,
        page: Page = PAGE,
        at_least: str | None = None,
        sort: str | None = None,
        *,
        rendition: Rendition = Rendition.RECORD,
    ) -> list[Any]:
        """[name, …, total] of a page."""

        def query(catalog: Catalog) -> Query:
            self.read += 1
            table = catalog.live_table(self.table_id)
            name = find_field(table, "name")
            where = EVERYTHING if at_least is None else compare(name, "eq", at_least)
            sorts = () if sort is None else (sort_by(name, descending=sort == "desc"),)
            return Query(table, table.fields, where, sorts)

        def want(catalog: Catalog) -> Wanted:
            return Wanted(
                self.of(at_least, sort), lambda: query(catalog), page, rendition
            )

        listed = await self.lists.page(self.ask, want)
        items = [json.loads(item) for item in listed.items]
        self.fields = [one["fields"] for one in items]
        self.ids = {name for one in items for name in one.get("data", {})}
        return [*(one["name"] for one in self.fields), listed.total]

    async def shown(self) -> list[dict[str, Any]]:
        """The values on the page."""
        await self.names()
        return self.fields

    def statements(self) -> list[list[bytes]]:
        """What each question from now on asks beside what all ask."""
        asked: list[list[bytes]] = []
        ask = self.ask

        async def noting(plan: Plan) -> Found:
            def planned(catalog: Catalog) -> Sequence[Statement]:
                statements = plan(catalog)
                asked.append(
                    [
                        text if isinstance(text, bytes) else text.as_bytes()
                        for text, _ in statements
                    ]
                )
                return statements

            return await ask(planned)

        self.ask = noting
        return asked

    def delay_replies(self, seconds: Callable[[], float]) -> None:
        """From now on a reply comes some time after it was made."""
        ask = self.ask

        async def asked(plan: Plan) -> Found:
            self.asked += 1
            found = await ask(plan)
            await asyncio.sleep(seconds())
            return found

        self.ask = asked

    def kept(self) -> Order:
        """The order of the whole list."""
        found = self.lists._known.get(self.of(None, None))
        assert isinstance(found, Order)
        return found

    def of(self, at_least: str | None, sort: str | None) -> Asked:
        return Asked(self.tenant.workspace_id, self.table_id, (at_least, sort))

    async def until_kept(self) -> None:
        """Asks often enough for the order to be kept, and sees that it is."""
        for _ in range(4):
            await self.names()
        assert await self.is_kept()

    async def is_kept(self) -> bool:
        before = self.read
        await self.names()
        return self.read == before
