"""API keys of the instance's users.  They live in the instance workspace.

Pure.  Secret, digest, prefix and name are in the vault, written in the same
transaction; these events hold ids, scopes and times.  A key is alive while the vault
has it, which is where the facts come from.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.catalog import Catalog
from domain.decider import asks, decides, folds
from domain.errors import Conflict, NotFound
from domain.events import Command, Event, Recorded, event
from domain.facts import Facts, Needs
from domain.ids import UserId
from domain.workspace import expect_version

MAX_KEYS = 100  # of one user


@dataclass(frozen=True, slots=True)
class CreateKey(Command):
    key_id: str
    user_id: UserId
    scopes: tuple[str, ...]
    expires_at: str | None


@dataclass(frozen=True, slots=True)
class DeleteKey(Command):
    key_id: str
    user_id: UserId
    if_match: int | None = None


@event("key.created")
class KeyCreated(Event):
    """Cannot be taken back: its secret was shown.  Its owner deletes it."""

    key_id: str
    user_id: str
    scopes: list[str]
    expires_at: str | None
    FOLLOWS = False

    def inverse(self) -> None:
        return None


@event("key.deleted")
class KeyDeleted(Event):
    """Cannot be taken back: a key that is dead stays so."""

    key_id: str
    user_id: str
    FOLLOWS = False

    def inverse(self) -> None:
        return None


@asks(CreateKey)
def _create_needs(command: CreateKey, _catalog: Catalog, needs: Needs) -> None:
    needs.users.add(command.user_id)
    needs.api_keys_of.add(command.user_id)


@asks(DeleteKey)
def _delete_needs(command: DeleteKey, _catalog: Catalog, needs: Needs) -> None:
    needs.api_keys_of.add(command.user_id)
    needs.gone.add(command.key_id)


@decides(CreateKey, role=None)
def _create(command: CreateKey, facts: Facts) -> Sequence[Event]:
    if command.user_id not in facts.users:
        raise NotFound("User not found")
    own = sum(owner == command.user_id for owner in facts.api_keys.values())
    if own >= MAX_KEYS:
        raise Conflict(f"A user has at most {MAX_KEYS} API keys")
    scopes = sorted(command.scopes)
    return [KeyCreated(command.key_id, command.user_id, scopes, command.expires_at)]


@decides(DeleteKey, role=None)
def _delete(command: DeleteKey, facts: Facts) -> Sequence[Event]:
    if facts.api_keys.get(command.key_id) != command.user_id:
        raise NotFound("API key not found")
    expect_version(facts.versions.get(command.key_id, 0), command.if_match)
    return [KeyDeleted(command.key_id, command.user_id)]


@folds(KeyCreated)
def _fold_created(facts: Facts, recorded: Recorded, event: KeyCreated) -> None:
    facts.put(facts.versions, event.key_id, recorded.version)
    facts.put(facts.api_keys, event.key_id, event.user_id)


@folds(KeyDeleted)
def _fold_deleted(facts: Facts, recorded: Recorded, event: KeyDeleted) -> None:
    facts.put(facts.versions, event.key_id, recorded.version)
    facts.drop(facts.api_keys, event.key_id)
