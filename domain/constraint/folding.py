"""How later commands see constraints.  Pure."""

from dataclasses import replace

from domain.catalog import Catalog, Constraint
from domain.constraint.events import (
    ConstraintActivated,
    ConstraintCreated,
    ConstraintDeleted,
    ConstraintFailed,
    ConstraintRestored,
    ConstraintUpdated,
)
from domain.constraint.values import unique_digest
from domain.decider import folds, grows
from domain.errors import Json
from domain.events import Recorded
from domain.facts import Facts
from domain.ids import ConstraintId, FieldId, TableId


@grows(ConstraintCreated)
def _grow_created(
    catalog: Catalog, recorded: Recorded, event: ConstraintCreated
) -> Catalog:
    made = Constraint(
        ConstraintId(event.constraint_id),
        FieldId(event.field_id),
        TableId(event.table_id),
        event.case_sensitive,
        event.status,
        event.error_message,
        event.folding,
        recorded.actor.id,
        recorded.at,
    )
    return _with_constraint(catalog, recorded, made)


@grows(ConstraintUpdated)
def _grow_updated(
    catalog: Catalog, recorded: Recorded, event: ConstraintUpdated
) -> Catalog:
    after = {name: change["to"] for name, change in event.changes.items()}  # type: ignore[call-overload, index]
    if "status" in after or "case_sensitive" in after:
        after.setdefault("failure", None)
    known = _known(catalog, event.table_id, event.constraint_id)
    return _with_constraint(catalog, recorded, replace(known, **after))  # type: ignore[arg-type]


@folds(ConstraintCreated, ConstraintUpdated, ConstraintRestored)
def _fold_keys(
    facts: Facts,
    _recorded: Recorded,
    event: ConstraintCreated | ConstraintUpdated | ConstraintRestored,
) -> None:
    """The keys that later commands of the unit find taken."""
    known = _known(facts.catalog, event.table_id, event.constraint_id)
    values = facts.few.get(event.field_id)
    if known.status != "active" or values is None:
        return
    for key in [one for one in facts.taken if one[0] == known.id]:
        facts.drop(facts.taken, key)
    for record, value in values.items():
        digest = unique_digest(value, case_sensitive=known.case_sensitive)
        if digest is not None:
            facts.put(facts.taken, (known.id, digest), record)


@grows(ConstraintActivated, ConstraintFailed)
def _grow_settled(
    catalog: Catalog, recorded: Recorded, event: ConstraintActivated | ConstraintFailed
) -> Catalog:
    known = _known(catalog, event.table_id, event.constraint_id)
    if isinstance(event, ConstraintActivated):
        settled = replace(known, status="active", failure=None)
    else:
        failure: dict[str, Json] = {"type": event.type, "examples": event.examples}
        settled = replace(known, status="disabled", failure=failure)
    return _with_constraint(catalog, recorded, settled)


@grows(ConstraintDeleted, ConstraintRestored)
def _grow_gone(
    catalog: Catalog,
    recorded: Recorded,
    event: ConstraintDeleted | ConstraintRestored,
) -> Catalog:
    known = _known(catalog, event.table_id, event.constraint_id)
    if isinstance(event, ConstraintDeleted):
        changed = replace(known, deleted=True)
    else:
        changed = replace(known, deleted=False, status=event.status or known.status)
    return _with_constraint(catalog, recorded, changed)


def _known(catalog: Catalog, table_id: str, constraint_id: str) -> Constraint:
    table = catalog.tables[TableId(table_id)]
    return table.all_constraints[ConstraintId(constraint_id)]


def _with_constraint(
    catalog: Catalog, recorded: Recorded, constraint: Constraint
) -> Catalog:
    changed = replace(constraint, version=recorded.version)
    return replace(catalog.with_constraint(changed, recorded.seq), seq=recorded.seq)
