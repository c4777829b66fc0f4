"""What a delivery has to know of its webhook when its turn has come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from domain.ids import WorkspaceId


@dataclass(frozen=True, slots=True)
class Ready:
    """It is sent there, signed with each of the secrets."""

    url: str
    headers: Mapping[str, str]
    secrets: Sequence[str]


@dataclass(frozen=True, slots=True)
class Paused:
    """What is waiting goes on waiting."""


@dataclass(frozen=True, slots=True)
class Off:
    """It sends nothing, and what is waiting has failed."""

    reason: str


@dataclass(frozen=True, slots=True)
class Gone:
    """It is deleted, or its table is, and what is waiting is no longer wanted, but for
    events of the name `sparing`."""

    reason: str
    sparing: str | None = None


@dataclass(frozen=True, slots=True)
class Last:
    """This event is sent still, and nothing else: it says that the table is deleted."""

    to: Ready
    reason: str  # why nothing else is


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Where it sends to is not to be read: an attempt that fails without sending."""

    reason: str


Standing: TypeAlias = Ready | Paused | Off | Gone | Last | Unreadable


class Webhooks(Protocol):
    """The webhooks of all workspaces."""

    async def standing(
        self, workspace_id: WorkspaceId, webhook_id: str, event: str
    ) -> Standing:
        """How it is now, for an event of that name.  Raises Busy."""

    async def turn_off(
        self, workspace_id: WorkspaceId, webhook_id: str, reason: str
    ) -> bool:
        """As nobody in particular; whether it was on.  Raises DomainError."""
