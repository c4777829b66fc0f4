"""Every way in which a wish can be refused: one closed set of codes.

DomainError
├── Malformed              the request cannot be read at all
├── Unauthenticated        nobody we know, or no longer
├── Forbidden              known, but the role does not allow it
├── NotFound               not there, or not the caller's: never told apart
├── Invalid                well-formed, with wrong content
│   ├── RequiredField      a required field is missing or empty
│   ├── BatchTooLarge      more items than one batch may hold
│   ├── TooManyFields      a table is at its limit of live fields
│   ├── RowTooLarge        a row is over what the store can hold
│   └── KeyReused          an idempotency key with another request
├── Conflict               the state of things does not allow it
│   ├── DuplicateValue     a unique constraint is violated
│   ├── ForeignKeyViolation a referenced record is not there
│   ├── NameTaken          the name is in use beside it
│   ├── UndoConflict       what came later stands in the way of an undo
│   └── SecretAlreadyShown the first reply held a secret and was not kept
├── VersionMismatch        `If-Match` names another version
├── ConstraintPending, ConstraintDisabled
├── StaleSchema            the schema changed since the values were read (retried)
├── Busy                   try again later
│   └── Paused             somebody paused what takes this
└── NotImplementedYet      a documented operation that is not there yet

A surface turns a code into its documented status and body; anything that is not a
DomainError is a bug.  The docstring of a class is its default message.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar, Self, TypeAlias

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"


class Code(StrEnum):
    BAD_REQUEST = "BAD_REQUEST"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    URI_TOO_LONG = "URI_TOO_LONG"
    HEADERS_TOO_LARGE = "HEADERS_TOO_LARGE"
    REQUEST_TIMEOUT = "REQUEST_TIMEOUT"
    VALIDATION_ERROR = "VALIDATION_ERROR"
    REQUIRED_FIELD = "REQUIRED_FIELD"
    BATCH_TOO_LARGE = "BATCH_TOO_LARGE"
    TOO_MANY_FIELDS = "TOO_MANY_FIELDS"
    ROW_TOO_LARGE = "ROW_TOO_LARGE"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    CONFLICT = "CONFLICT"
    DUPLICATE_VALUE = "DUPLICATE_VALUE"
    FOREIGN_KEY_VIOLATION = "FOREIGN_KEY_VIOLATION"
    NAME_TAKEN = "NAME_TAKEN"
    UNDO_CONFLICT = "UNDO_CONFLICT"
    SECRET_ALREADY_SHOWN = "SECRET_ALREADY_SHOWN"
    VERSION_MISMATCH = "VERSION_MISMATCH"
    CONSTRAINT_PENDING = "CONSTRAINT_PENDING"
    CONSTRAINT_DISABLED = "CONSTRAINT_DISABLED"
    STALE_SCHEMA = "STALE_SCHEMA"
    RATE_LIMITED = "RATE_LIMITED"
    SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE"
    NOT_IMPLEMENTED = "NOT_IMPLEMENTED"
    INTERNAL_ERROR = "INTERNAL_ERROR"


class DomainError(Exception):
    """Refused."""

    code: ClassVar[Code] = Code.CONFLICT

    def __init__(self, detail: str | None = None, **extra: Json) -> None:
        self.detail = detail or (type(self).__doc__ or "").strip().splitlines()[0]
        self.extra: Mapping[str, Json] = extra
        # what stands in the way: the id of a thing and, where it is one, its field
        self.cause: tuple[str, str | None] | None = None
        super().__init__(self.detail)

    def with_extra(self, **extra: Json) -> "DomainError":
        """The same refusal, saying also where: the first word on a key stays."""
        self.extra = {**extra, **self.extra}
        return self

    def because_of(self, thing_id: str, field: str | None = None) -> Self:
        """The same refusal, knowing what stands in the way: an undo tells who put it
        there."""
        self.cause = (thing_id, field)
        return self


class Malformed(DomainError):
    """The request is malformed"""

    code = Code.BAD_REQUEST


class Unauthenticated(DomainError):
    """Authentication required"""

    code = Code.UNAUTHENTICATED


class Forbidden(DomainError):
    """Your role does not allow this"""

    code = Code.FORBIDDEN


class NotFound(DomainError):
    """Not found"""

    code = Code.NOT_FOUND


class Invalid(DomainError):
    """Validation failed"""

    code = Code.VALIDATION_ERROR


class RequiredField(Invalid):
    """Field is required"""

    code = Code.REQUIRED_FIELD


class BatchTooLarge(Invalid):
    """The batch has too many items"""

    code = Code.BATCH_TOO_LARGE


class TooManyFields(Invalid):
    """A table holds at most 400 fields"""

    code = Code.TOO_MANY_FIELDS


class RowTooLarge(Invalid):
    """The row is larger than the store can hold"""

    code = Code.ROW_TOO_LARGE


class KeyReused(Invalid):
    """The Idempotency-Key was used with another request"""

    code = Code.IDEMPOTENCY_KEY_REUSED


class Conflict(DomainError):
    """The present state does not allow this"""

    code = Code.CONFLICT


class DuplicateValue(Conflict):
    """A record with this value already exists"""

    code = Code.DUPLICATE_VALUE


class ForeignKeyViolation(Conflict):
    """A referenced record does not exist"""

    code = Code.FOREIGN_KEY_VIOLATION


class NameTaken(Conflict):
    """The name is already in use"""

    code = Code.NAME_TAKEN


class UndoConflict(Conflict):
    """What came later stands in the way"""

    code = Code.UNDO_CONFLICT


class SecretAlreadyShown(Conflict):
    """The reply held a secret that is shown once"""

    code = Code.SECRET_ALREADY_SHOWN


class VersionMismatch(DomainError):
    """The resource has another version"""

    code = Code.VERSION_MISMATCH


class ConstraintPending(DomainError):
    """Constraint creation in progress"""

    code = Code.CONSTRAINT_PENDING


class ConstraintDisabled(DomainError):
    """Constraint is currently disabled"""

    code = Code.CONSTRAINT_DISABLED


class StaleSchema(DomainError):
    """The table changed while the request was read"""

    code = Code.STALE_SCHEMA


class Busy(DomainError):
    """The server is busy; try again"""

    code = Code.SERVICE_UNAVAILABLE
    wait: ClassVar[int] = 1  # seconds


class Paused(Busy):
    """The webhook is paused; try again later"""

    wait = 60


class NotImplementedYet(DomainError):
    """This operation is documented and not available yet"""

    code = Code.NOT_IMPLEMENTED
