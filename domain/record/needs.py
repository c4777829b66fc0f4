"""Which facts the commands on records need."""

from collections.abc import Iterable, Mapping

from domain.catalog import Catalog, Table
from domain.constraint import unique_digest
from domain.decider import asks
from domain.facts import Needs
from domain.ids import TableId, table_number_of
from domain.record.events import (
    CreateRecords,
    DeleteRecords,
    RestoreRecord,
    RestoreRecords,
    UpdateRecords,
)
from domain.values import Value, file_ids


def keys_of(table: Table, values: Mapping[str, Value]) -> Iterable[tuple[str, bytes]]:
    for constraint in table.enforced:
        value = values.get(constraint.field_id)
        digest = unique_digest(value, case_sensitive=constraint.case_sensitive)
        if digest is not None:
            yield constraint.id, digest


def _need_targets(
    table: Table, values: Mapping[str, Value], catalog: Catalog, needs: Needs
) -> None:
    for one in table.links:
        value = values.get(one.id)
        other = catalog.tables.get(TableId(str(one.options["linked_table_id"])))
        if not isinstance(value, list) or other is None:
            continue
        ids = [item for item in value if table_number_of(item) == other.number]
        if single(catalog, one.reverse_id):
            needs.whole(other.id, ids)
        else:
            needs.target(other.id, ids)


def _need_files(table: Table, values: Mapping[str, Value], needs: Needs) -> None:
    for one in table.attachments:
        needs.files.update(file_ids(values.get(one.id)))


def _looks_beyond(table: Table) -> bool:
    return bool(table.enforced or table.links or table.attachments)


def single(catalog: Catalog, field_id: str | None) -> bool:
    """Whether the field may hold one link only."""
    table = catalog.table_of_field.get(field_id or "")
    found = None if table is None or field_id is None else table.by_id.get(field_id)
    return found is not None and found.option("allow_multiple", True) is False


@asks(CreateRecords)
def _create_needs(command: CreateRecords, catalog: Catalog, needs: Needs) -> None:
    needs.counters.add(command.table_id)
    table = catalog.tables.get(command.table_id)
    if table is None or not _looks_beyond(table):
        return
    for _, values in command.records:
        needs.keys.update(keys_of(table, values))
        _need_targets(table, values, catalog, needs)
        _need_files(table, values, needs)


@asks(UpdateRecords)
def _update_needs(command: UpdateRecords, catalog: Catalog, needs: Needs) -> None:
    needs.whole(command.table_id, (change.record_id for change in command.changes))
    table = catalog.tables.get(command.table_id)
    if table is None or not _looks_beyond(table):
        return
    for change in command.changes:
        needs.keys.update(keys_of(table, change.values))
        _need_targets(table, change.values, catalog, needs)
        _need_files(table, change.values, needs)


@asks(DeleteRecords)
def _delete_needs(command: DeleteRecords, _catalog: Catalog, needs: Needs) -> None:
    needs.whole(command.table_id, command.record_ids)


@asks(RestoreRecord)
def _restore_needs(command: RestoreRecord, catalog: Catalog, needs: Needs) -> None:
    restoring = RestoreRecords(command.table_id, [command])
    _restore_many_needs(restoring, catalog, needs)


@asks(RestoreRecords)
def _restore_many_needs(
    command: RestoreRecords, catalog: Catalog, needs: Needs
) -> None:
    ids = [one.record_id for one in command.records]
    needs.counters.add(command.table_id)
    needs.whole(command.table_id, ids)
    needs.gone.update(ids)
    table = catalog.tables.get(command.table_id)
    if table is None or not _looks_beyond(table):
        return
    for one in command.records:
        needs.keys.update(keys_of(table, one.values))
        _need_targets(table, one.values, catalog, needs)
