"""A type's fields as its entries tell of them."""

from typing import Any

from domain.catalog import Catalog, Table
from projections.records.content import content_fields


def definitions(_catalog: Catalog, table: Table) -> list[dict[str, Any]]:
    return [
        {"id": one.id, "name": one.api_name, "display_name": one.name}
        for one in content_fields(table)
    ]
