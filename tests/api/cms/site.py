"""A workspace whose public API is read: written by the ledger, as another process does.

What is read over HTTP was committed by a committer that the server knows nothing of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2

from commands.system import new_id
from domain.catalog import Table
from domain.field import CreateField, UpdateField
from domain.ids import FieldId, TableId
from domain.table import CreateTable, UpdateTable
from domain.workspace import UpdateWorkspace
from tests.client import Json
from tests.commands.tenant import Tenant, field_id

Options = Mapping[str, Any]


@dataclass
class Site:
    tenant: Tenant
    http: httpx2.Client

    @property
    def slug(self) -> str:
        workspace = self.tenant.catalog().workspace
        assert workspace is not None
        return workspace.slug

    # ---------------------------------------------------------------- writing

    def type(
        self, slug: str, *, public: bool = True, **fields: str | tuple[str, Options]
    ) -> Table:
        """An object type with these fields: a type's name, or one with options."""
        table_id = TableId(new_id())
        number = self.tenant.rows("SELECT nextval('ledger.table_numbers')")[0][0]
        made = CreateTable(
            table_id,
            self.tenant.base_id,
            number,
            slug.replace("-", " ").title(),
            None,
            slug,
            public,
        )
        self.tenant.do(made, *(new_field(table_id, *one) for one in fields.items()))
        return self.tenant.catalog().tables[table_id]

    def entry(self, table: Table, **data: Any) -> str:
        return self.entries(table, data)[0]

    def entries(self, table: Table, *rows: Options) -> Sequence[str]:
        # as it is now: other types may lead to it since
        return self.tenant.create(self.tenant.catalog().tables[table.id], *rows)

    def write(self, table: Table, record_id: str, **data: Any) -> None:
        now = self.tenant.catalog().tables[table.id]
        self.tenant.do(self.tenant.updating(now, {record_id: data}))

    def delete(self, table: Table, record_id: str) -> None:
        self.tenant.do(self.tenant.deleting(table, record_id))

    def change(self, table: Table, **changes: Any) -> None:
        self.tenant.do(UpdateTable(table.id, changes))

    def options(self, table: Table, name: str, **options: Any) -> Table:
        """The table with other options of a field."""
        field = table.by_name[name]
        wanted = {**field.options, **options}
        self.tenant.do(UpdateField(field.id, table.id, {"options": wanted}))
        return self.tenant.catalog().tables[table.id]

    def workspace(self, **changes: Any) -> None:
        self.tenant.do(UpdateWorkspace(self.tenant.workspace_id, changes))

    # ---------------------------------------------------------------- reading

    def get(self, path: str, **more: Any) -> httpx2.Response:
        """`path` below the site's own."""
        return self.http.get(f"/api/{self.slug}/{path}", **more)

    def list(self, slug: str, query: Any = None) -> list[Json]:
        reply = self.get(slug, params=query)
        assert reply.status_code == 200, reply.text
        found: list[Json] = reply.json()["data"]
        return found

    def data(self, slug: str, entry_id: str, query: Any = None) -> Json:
        """The `data` of one entry."""
        reply = self.get(f"{slug}/{entry_id}", params=query)
        assert reply.status_code == 200, reply.text
        found: Json = reply.json()["data"]["data"]
        return found


def new_field(
    table_id: TableId, name: str, type_: str | tuple[str, Options]
) -> CreateField:
    kind, options = (type_, {}) if isinstance(type_, str) else type_
    reverse = FieldId(new_id()) if kind == "linked_record" else None
    return CreateField(
        FieldId(new_id()),
        table_id,
        name,
        kind,
        dict(options),
        reverse_id=reverse,
        api_name=name,
    )


def to(table: Table, *, one: bool = False, **more: Any) -> tuple[str, Options]:
    """A relation to a type, for `Site.type`."""
    single: Options = {"allow_multiple": False} if one else {}
    return "linked_record", {"linked_table_id": table.id, **single, **more}


HTML: tuple[str, Options] = ("long_text", {"enable_rich_text": True})

__all__ = ["HTML", "Site", "field_id", "to"]
