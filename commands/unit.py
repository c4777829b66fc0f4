"""A unit: what is committed whole or not at all, and what came of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from psycopg import sql

from domain.catalog import Catalog, Field
from domain.copy import CopyLinks, CopyRecords
from domain.events import Actor, Command, Recorded
from domain.facts import Needs, Row
from domain.file import UploadFile
from domain.foreign import AppendForeign
from domain.ids import BatchId, WorkspaceId
from domain.key import CreateKey
from domain.record import CreateRecords, DeleteRecords, RestoreRecord, UpdateRecords
from domain.retype import RetypeField
from domain.undo import Refused, Step
from domain.user import ChangeProfile, GrantAdministration, RegisterUser
from domain.view import ExpectView
from domain.webhook import ExpectWebhook

# commands whose events leave the catalogue as it is: their units may share a commit
_SHARING = (
    CreateRecords,
    UpdateRecords,
    DeleteRecords,
    RestoreRecord,
    CopyRecords,
    CopyLinks,
    RegisterUser,
    ChangeProfile,
    GrantAdministration,
    ExpectView,
    CreateKey,
    UploadFile,
    AppendForeign,
    ExpectWebhook,
)


def shares(command: Command) -> bool:
    """Whether it leaves the catalogue as it is."""
    return isinstance(command, _SHARING)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a surface answers: kept with an idempotency key, byte for byte."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a write came from: part of each of its events' envelopes."""

    actor: Actor
    surface: str
    request_id: str
    session_id: str | None = None
    causation_id: str | None = None
    correlation_id: str | None = None


@dataclass(frozen=True, slots=True)
class Once:
    """An idempotency key: `fingerprint` is 32 bytes that equal requests share;
    `secret_id` names the resource of a reply that must not be kept."""

    key: str
    fingerprint: bytes
    secret_id: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """An accepted unit.  `position` is its last event's, or the present one's;
    `catalog` is the workspace's right after it, `rows` the records that it read."""

    batch_id: BatchId
    position: int
    at: str
    events: Sequence[Recorded]
    catalog: Catalog
    rows: Mapping[str, Row | None]
    replies: Sequence[Reply] = ()  # of its parts


@dataclass(frozen=True, slots=True)
class Done:
    """A unit's answer: its outcome, or the first reply of its key."""

    outcome: Outcome | None
    reply: Reply
    replayed: bool = False


@dataclass(frozen=True)
class VaultWrite:
    """A statement on the vault, in the unit's own transaction."""

    statement: sql.SQL | sql.Composed
    values: Sequence[Any]


@dataclass(frozen=True)
class Stream:
    """The records of a unit that has too many to be held at once.

    `slices` makes the same commands at each call, one after the other.  `needs` are
    the facts of all of them and `events` is how many events they will be: both were
    reckoned on the catalogue at `catalog_seq` and are worth nothing on another.
    `fields` are those that the unit's commands make.
    """

    catalog_seq: int
    needs: Needs
    events: int
    slices: Callable[[], Iterable[CreateRecords]]
    fields: Sequence[Field] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """Some of a unit's commands, with the reply to them alone: `render` takes the part
    of the outcome that is theirs.

    `anew`: the facts are read anew before it, with everything that the parts before it
    wrote.
    """

    commands: Sequence[Command]
    render: Callable[[Outcome], Reply]
    anew: bool = False


@dataclass(frozen=True, slots=True)
class Parts:
    """What a unit of several parts consists of, prepared on the catalogue at
    `catalog_seq` and worth nothing on another."""

    catalog_seq: int
    all: Sequence[Part]

    @property
    def staged(self) -> bool:
        """Whether some of them have to be written before others are decided."""
        return any(one.anew for one in self.all)


@dataclass(frozen=True)
class Attempt:
    """Steps each of which may be refused without refusing the unit.

    `first` gets the refusals and gives the command whose event begins the batch, or
    None where nothing is to be written; it raises DomainError to refuse the unit.
    """

    steps: Sequence[Step]
    first: Callable[[Refused], Command | None]
    independent: bool = False  # no step looks at what another one did
    foreseen: bool = False  # the same, and it is taken to be refused nothing

    @property
    def size(self) -> int:
        return sum(len(one.items) for one in self.steps)


@dataclass(frozen=True)
class Unit:
    """`size` is the number of records it writes; `render` makes its reply.

    The records of `stream` come after `commands`, in the same batch.  The commands of
    `parts` are `commands`, all of them in their order.  The events of `attempt` come
    after all else.  A `rehearsal` is decided and answered, and nothing is written.
    """

    workspace_id: WorkspaceId
    origin: Origin
    commands: Sequence[Command]
    render: Callable[[Outcome], Reply]
    once: Once | None = None
    vault: Sequence[VaultWrite] = ()
    size: int = 1
    makes_workspace: bool = False
    stream: Stream | None = None
    parts: Parts | None = None

    attempt: Attempt | None = None
    rehearsal: bool = False

    @cached_property
    def all_commands(self) -> Sequence[Command]:
        if self.attempt is None:
            return self.commands
        return [*self.commands, *(one.command for one in self.attempt.steps)]

    @cached_property
    def alone(self) -> bool:
        """A unit that may change the catalogue commits alone, and so does one that is
        written in stages; an attempt too, which rests on what is in the ledger."""
        if self.staged or self.attempt is not None:
            return True
        return not all(shares(one) for one in self.commands)

    @property
    def staged(self) -> bool:
        return self.parts is not None and self.parts.staged

    @cached_property
    def retypes(self) -> bool:
        """Whether it changes a field's type, and with it every record of a table."""
        return any(isinstance(one, RetypeField) for one in self.all_commands)
