"""Whether a field may have a constraint, and what its records say to that.  Pure."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from domain.access import Role
from domain.catalog import Catalog, Constraint
from domain.constraint.events import (
    ConstraintActivated,
    ConstraintCreated,
    ConstraintDeleted,
    ConstraintFailed,
    ConstraintRestored,
    ConstraintUpdated,
    CreateConstraint,
    DeleteConstraint,
    RestoreConstraint,
    SettleConstraint,
    UpdateConstraint,
)
from domain.constraint.values import FOLDING, told, unique_digest
from domain.decider import asks, decides
from domain.errors import (
    Conflict,
    ConstraintPending,
    DuplicateValue,
    Invalid,
    Json,
    NotFound,
)
from domain.events import Event
from domain.facts import Facts, Needs
from domain.ids import RecordId
from domain.values import Value
from domain.workspace import differences, expect_version

# records that are looked through within a commit, a tenth of a second in which nobody
# else writes (docs/performance.md); a constraint on a table with more becomes pending
AT_ONCE = 5_000
MOST_EXAMPLES = 20
SHARED = "Existing records share a value"


@asks(CreateConstraint, RestoreConstraint)
def _create_needs(
    command: CreateConstraint | RestoreConstraint, _catalog: Catalog, needs: Needs
) -> None:
    needs.few.add((command.table_id, command.field_id))


@asks(UpdateConstraint)
def _update_needs(command: UpdateConstraint, _catalog: Catalog, needs: Needs) -> None:
    if "status" in command.changes or "case_sensitive" in command.changes:
        needs.few.add((command.table_id, command.field_id))


@asks(SettleConstraint)
def _settle_needs(command: SettleConstraint, _catalog: Catalog, needs: Needs) -> None:
    needs.filled.add(command.constraint_id)
    for pair in command.pairs:
        needs.whole(command.table_id, pair)


def _checked(constraint: Constraint, facts: Facts) -> str:
    """The status of a constraint that shall hold: active, or pending where there are
    too many records to look at now.

    Refuses where two records share a value, naming some of them.
    """
    values = facts.few.get(constraint.field_id, {})
    if values is None:
        return "pending"
    field = facts.catalog.live_field(constraint.field_id)
    seen: dict[bytes, str] = {}
    examples: list[Any] = []
    for record, value in values.items():
        digest = unique_digest(value, case_sensitive=constraint.case_sensitive)
        if digest is None:
            continue
        if digest in seen and len(examples) < MOST_EXAMPLES:
            shown = told(field, value)
            examples.append({"records": [seen[digest], record], "value": shown})
        seen.setdefault(digest, record)
    if examples:
        raise DuplicateValue(SHARED, field=field.name, examples=examples)
    return "active"


@decides(CreateConstraint, role=Role.admin)
def _create(command: CreateConstraint, facts: Facts) -> Sequence[Event]:
    field = facts.catalog.live_field(command.field_id)
    table = facts.catalog.live_table(field.table_id)
    if field.column is None or not field.kind.unique:
        raise Invalid(f"A field of type {field.type} cannot be unique")
    if table.constraint_of(field.id) is not None:
        raise Conflict("The field has a constraint already")
    made = Constraint(
        command.constraint_id,
        field.id,
        table.id,
        command.case_sensitive,
        "active",
        command.error_message,
        FOLDING,
        facts.actor.id,
        facts.now,
    )
    return [
        ConstraintCreated(
            made.id,
            table.id,
            field.id,
            made.case_sensitive,
            _checked(made, facts),
            made.error_message,
            made.folding,
        )
    ]


@decides(UpdateConstraint, role=Role.admin)
def _update(command: UpdateConstraint, facts: Facts) -> Sequence[Event]:
    constraint = facts.catalog.live_constraint(command.constraint_id)
    expect_version(constraint.version, command.if_match)
    if constraint.status == "pending":
        raise ConstraintPending()
    now: dict[str, Json] = {
        "status": constraint.status,
        "case_sensitive": constraint.case_sensitive,
        "error_message": constraint.error_message,
        "failure": dict(constraint.failure) if constraint.failure else None,
    }
    changes = differences(now, command.changes)
    wanted = replace(constraint, **command.changes)
    if wanted.status == "active" and (
        "status" in changes or "case_sensitive" in changes
    ):
        status = _checked(wanted, facts)
        changes |= differences(now, {"status": status})
    if "status" in changes or "case_sensitive" in changes:
        changes |= differences(now, {"failure": command.changes.get("failure")})
    if not changes:
        return []
    return [
        ConstraintUpdated(
            constraint.id, constraint.table_id, constraint.field_id, changes
        )
    ]


@decides(DeleteConstraint, role=Role.admin)
def _delete(command: DeleteConstraint, facts: Facts) -> Sequence[Event]:
    constraint = facts.catalog.live_constraint(command.constraint_id)
    expect_version(constraint.version, command.if_match)
    return [ConstraintDeleted(constraint.id, constraint.table_id, constraint.field_id)]


@decides(RestoreConstraint, role=Role.admin)
def _restore(command: RestoreConstraint, facts: Facts) -> Sequence[Event]:
    table = facts.catalog.live_table(command.table_id)
    known = table.all_constraints.get(command.constraint_id)
    if known is None:
        raise NotFound("Constraint not found")
    if not known.deleted:
        return []
    if facts.catalog.live_field(known.field_id).column is None:
        raise Conflict("The field is of another type since")
    other = table.constraint_of(known.field_id)
    if other is not None:
        refusal = Conflict("The field has another constraint since")
        raise refusal.because_of(other.id)
    status = known.status if known.status == "disabled" else _checked(known, facts)
    return [
        ConstraintRestored(
            known.id,
            known.table_id,
            known.field_id,
            None if status == known.status else status,
        )
    ]


@decides(SettleConstraint, role=Role.admin)
def _settle(command: SettleConstraint, facts: Facts) -> Sequence[Event]:
    constraint = facts.catalog.live_constraint(command.constraint_id)
    if constraint.status != "pending":
        return []
    field = facts.catalog.live_field(constraint.field_id)
    of = (constraint.id, constraint.table_id, field.id)
    examples: list[Any] = [
        {"records": [*pair], "value": value}
        for pair in command.pairs
        if (value := _shared(constraint, facts, pair)) is not None
    ]
    if examples:
        return [ConstraintFailed(*of, field.type, examples)]
    return [ConstraintActivated(*of)] if facts.filled.get(constraint.id) else []


def _shared(
    constraint: Constraint, facts: Facts, pair: tuple[RecordId, RecordId]
) -> Value:
    """The value of the second record where the first has an equal one, else None."""
    values = [
        None if (row := facts.rows.get(one)) is None else row.value(constraint.field_id)
        for one in pair
    ]
    first, other = (
        unique_digest(one, case_sensitive=constraint.case_sensitive) for one in values
    )
    return values[1] if first == other else None
