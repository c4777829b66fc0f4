"""Records: from what a client sends to a command."""

from collections.abc import Mapping, Sequence
from typing import Any

from commands.system import now, random_bits
from domain.catalog import Catalog, Table
from domain.errors import BatchTooLarge, Invalid
from domain.ids import RecordId, record_ids
from domain.record import Change, CreateRecords, UpdateRecords, read_values


def create(
    catalog: Catalog, table_id: str, given: Sequence[Mapping[str, Any]]
) -> tuple[Table, CreateRecords]:
    """New records of a table; ids count up in the order given.

    Raises NotFound, and Invalid with the `index` of the first record that is wrong.
    """
    table = catalog.live_table(table_id)
    records = []
    ids = new_ids(table, len(given))
    for index, values in enumerate(given):
        try:
            read = read_values(table, values, creating=True)
        except Invalid as error:
            raise error.with_extra(index=index) from None
        records.append((ids[index], read))
    return table, CreateRecords(table.id, table.schema_seq, records)


def new_ids(table: Table, count: int) -> Sequence[RecordId]:
    """Ids of records that are about to be made, in their order."""
    return record_ids(int(now() * 1000), table.number, random_bits(41), count)


def update(
    catalog: Catalog,
    table_id: str,
    given: Sequence[tuple[RecordId, Mapping[str, Any]]],
    if_match: int | None = None,
) -> tuple[Table, UpdateRecords]:
    """Changes of records.  Raises Invalid with `index` and `record_id`."""
    table = catalog.live_table(table_id)
    changes = []
    for index, (one, values) in enumerate(given):
        try:
            read = read_values(table, values, creating=False)
        except Invalid as error:
            raise error.with_extra(index=index, record_id=one) from None
        changes.append(Change(one, read, if_match))
    return table, UpdateRecords(table.id, table.schema_seq, changes)


def check_size(count: int, limit: int) -> None:
    """Raises for an empty batch and for one over the limit."""
    if count == 0:
        raise Invalid("The batch is empty")
    if count > limit:
        raise BatchTooLarge(f"A batch has at most {limit} items", limit=limit)
