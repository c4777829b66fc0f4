"""Unique constraints: commands, events, and the digest that two equal values share.

    active    no two records share a value
    disabled  not enforced; `failure` tells of the records that stood against it
    pending   a large table's values are being looked through (`workers/uniqueness.py`):
              the field is not written meanwhile, so what has been seen stays as it is

Pure.  The digest is SHA-256 of the value after NFC, casefolded where the constraint
ignores case; numbers by value; nothing is trimmed; empty values have none.  Arrays are
sets, objects are all their parts: their digest is of canonical JSON.  The name
of that rule is kept in the event, so that a later rule does not change old meaning.
"""

import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from domain.access import Role
from domain.catalog import Catalog, Constraint, Field
from domain.decider import asks, decides, folds, grows
from domain.errors import (
    Conflict,
    ConstraintPending,
    DuplicateValue,
    Invalid,
    Json,
    NotFound,
)
from domain.events import UPCASTERS, Command, Event, Inverse, Recorded, event
from domain.facts import Facts, Needs
from domain.ids import ConstraintId, FieldId, RecordId, TableId
from domain.values import Value
from domain.workspace import differences, expect_version

FOLDING = "nfc-casefold-1"
# records that are looked through within a commit, a tenth of a second in which nobody
# else writes (docs/performance.md); a constraint on a table with more becomes pending
AT_ONCE = 5_000
MOST_EXAMPLES = 20
SHARED = "Existing records share a value"


def unique_digest(value: Value, *, case_sensitive: bool) -> bytes | None:
    """32 bytes that equal values share; None for an empty value."""
    if value is None:
        return None
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, list | dict):
        folded = _folded(value, case_sensitive)
        # choices and users are sets; the arrays within an object are not
        same = sorted(folded) if isinstance(folded, list) else folded
        text = json.dumps(same, sort_keys=True, separators=(",", ":"))
    else:
        text = _folded_text(value, case_sensitive)
    return hashlib.sha256(text.encode()).digest()


def _folded_text(text: str, case_sensitive: bool) -> str:
    text = unicodedata.normalize("NFC", text)
    return text if case_sensitive else unicodedata.normalize("NFC", text.casefold())


def _folded(value: Any, case_sensitive: bool) -> Any:
    """Of an object the parts that have a value."""
    if isinstance(value, list):
        return [_folded(item, case_sensitive) for item in value]
    if isinstance(value, dict):
        return {
            name: _folded(item, case_sensitive)
            for name, item in value.items()
            if item is not None
        }
    return _folded_text(str(value), case_sensitive)


def told(field: Field, value: Value) -> Json:
    """A value as a refusal tells it: as clients read it, in plain numbers."""
    return None if value is None else _in_numbers(field.kind.show(value, field))


def _in_numbers(shown: Any) -> Any:
    if isinstance(shown, Decimal):
        return int(shown) if shown == shown.to_integral_value() else float(shown)
    if isinstance(shown, dict):
        return {name: _in_numbers(one) for name, one in shown.items()}
    if isinstance(shown, list):
        return [_in_numbers(one) for one in shown]
    return shown


def duplicate_of(
    constraint: Constraint, field_name: str, shown: Json
) -> DuplicateValue:
    """The refusal of a value that is there already, in the constraint's own words."""
    message = constraint.error_message
    if message:
        message = message.replace("{value}", _plain(shown))
        message = message.replace("{field_name}", field_name)
    return DuplicateValue(message, field=field_name, value=shown)


def _plain(value: Json) -> str:
    match value:
        case bool():
            return str(value).lower()
        case list():
            return ", ".join(map(_plain, value))
        case dict():
            return " ".join(_plain(one) for one in value.values() if one is not None)
        case _:
            return str(value)


@dataclass(frozen=True, slots=True)
class CreateConstraint(Command):
    constraint_id: ConstraintId
    table_id: TableId
    field_id: FieldId
    case_sensitive: bool = True
    error_message: str | None = None


@dataclass(frozen=True, slots=True)
class UpdateConstraint(Command):
    """`changes` by name: status (active, disabled), case_sensitive, error_message, and,
    from an inverse, failure.

    What shall be active becomes pending where the table is too large to be looked
    through at once.
    """

    constraint_id: ConstraintId
    table_id: TableId
    field_id: FieldId
    changes: Mapping[str, Any]
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class DeleteConstraint(Command):
    constraint_id: ConstraintId
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class RestoreConstraint(Command):
    constraint_id: ConstraintId
    table_id: TableId
    field_id: FieldId


@dataclass(frozen=True, slots=True)
class SettleConstraint(Command):
    """Ends what is pending: all values are looked through.

    `pairs` are records that shared a value when they were seen, the first 20.  Nothing
    happens where none of them does any more: then it is looked through once again.
    """

    constraint_id: ConstraintId
    table_id: TableId
    field_id: FieldId
    pairs: Sequence[tuple[RecordId, RecordId]] = ()


@event("constraint.created")
class ConstraintCreated(Event):
    constraint_id: str
    table_id: str
    field_id: str
    case_sensitive: bool
    status: str
    error_message: str | None
    folding: str

    def inverse(self) -> Inverse:
        return DeleteConstraint(ConstraintId(self.constraint_id))


@event("constraint.updated", schema=2)
class ConstraintUpdated(Event):
    """Whatever else of it changes, what it failed by is forgotten, and `changes` say
    so; in what was written before, they do not."""

    constraint_id: str
    table_id: str
    field_id: str
    changes: dict[str, Json]

    def inverse(self) -> Inverse:
        before: dict[str, Any] = {
            name: change["from"]
            for name, change in self.changes.items()
            if isinstance(change, dict)
        }
        return UpdateConstraint(
            ConstraintId(self.constraint_id),
            TableId(self.table_id),
            FieldId(self.field_id),
            before,
        )


UPCASTERS["constraint.updated", 1] = lambda payload: payload


@event("constraint.deleted")
class ConstraintDeleted(Event):
    constraint_id: str
    table_id: str
    field_id: str

    def inverse(self) -> Inverse:
        return RestoreConstraint(
            ConstraintId(self.constraint_id),
            TableId(self.table_id),
            FieldId(self.field_id),
        )


@event("constraint.restored", schema=2)
class ConstraintRestored(Event):
    """`status` is the one that it comes back with; None: the one that it had."""

    constraint_id: str
    table_id: str
    field_id: str
    status: str | None = None

    def inverse(self) -> Inverse:
        return DeleteConstraint(ConstraintId(self.constraint_id))


UPCASTERS["constraint.restored", 1] = lambda payload: {**payload, "status": None}


@event("constraint.activated")
class ConstraintActivated(Event):
    """A pending constraint holds from here on.  It has no inverse: it follows from the
    event that made the constraint pending."""

    constraint_id: str
    table_id: str
    field_id: str
    FOLLOWS = True

    def inverse(self) -> Inverse:
        return None


@event("constraint.failed")
class ConstraintFailed(Event):
    """Records stood against a pending constraint, which is disabled from here on.

    `examples`: {records: [first, other], value}, the value as it is kept by a field of
    `type`.  It has no inverse: it follows from the event that made it pending.
    """

    constraint_id: str
    table_id: str
    field_id: str
    type: str
    examples: list[Json]
    FOLLOWS = True

    def inverse(self) -> Inverse:
        return None


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
