"""Constraints: commands, events, inverses.  Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.errors import Json
from domain.events import UPCASTERS, Command, Event, Inverse, event
from domain.ids import ConstraintId, FieldId, RecordId, TableId


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
