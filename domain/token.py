"""Access tokens: with one a member's programs read a workspace, and nothing else.

Pure.  Secret, digest and name are in the vault, written in the same transaction; these
events hold ids and times.  A token is alive while the vault has it and its user is a
member.  Members make and revoke their own, administrators everybody's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.access import Role, may
from domain.catalog import Catalog
from domain.decider import asks, decides, folds
from domain.errors import Conflict, Forbidden, NotFound
from domain.events import Command, Event, Recorded, event
from domain.facts import Facts, Needs
from domain.ids import UserId
from domain.workspace import expect_version

MAX_TOKENS = 100  # of one user in a workspace


@dataclass(frozen=True, slots=True)
class CreateToken(Command):
    token_id: str
    user_id: UserId
    expires_at: str | None


@dataclass(frozen=True, slots=True)
class RevokeToken(Command):
    token_id: str
    if_match: int | None = None


@event("token.created")
class TokenCreated(Event):
    """Cannot be taken back: its secret was shown.  It is revoked."""

    token_id: str
    user_id: str
    expires_at: str | None
    FOLLOWS = False

    def inverse(self) -> None:
        return None


@event("token.revoked")
class TokenRevoked(Event):
    """Cannot be taken back: a token that is dead stays so."""

    token_id: str
    user_id: str
    FOLLOWS = False

    def inverse(self) -> None:
        return None


@asks(CreateToken)
def _create_needs(_command: CreateToken, _catalog: Catalog, needs: Needs) -> None:
    needs.tokens = True


@asks(RevokeToken)
def _revoke_needs(command: RevokeToken, _catalog: Catalog, needs: Needs) -> None:
    needs.tokens = True
    needs.gone.add(command.token_id)


@decides(CreateToken, role=Role.viewer)
def _create(command: CreateToken, facts: Facts) -> Sequence[Event]:
    if not _may_for(command.user_id, facts):
        raise Forbidden("Tokens of others are made by administrators")
    if facts.catalog.role_of(command.user_id) is None:
        raise NotFound("Member not found")
    own = sum(owner == command.user_id for owner in facts.tokens.values())
    if own >= MAX_TOKENS:
        raise Conflict(f"A member has at most {MAX_TOKENS} access tokens")
    return [TokenCreated(command.token_id, command.user_id, command.expires_at)]


@decides(RevokeToken, role=Role.viewer)
def _revoke(command: RevokeToken, facts: Facts) -> Sequence[Event]:
    owner = facts.tokens.get(command.token_id)
    if owner is None or not _may_for(owner, facts):
        raise NotFound("Access token not found")
    expect_version(facts.versions.get(command.token_id, 0), command.if_match)
    return [TokenRevoked(command.token_id, owner)]


def _may_for(user_id: str, facts: Facts) -> bool:
    own = user_id == facts.actor.id
    return own or may(facts.catalog.role_of(facts.actor.id), Role.admin)


@folds(TokenCreated)
def _fold_created(facts: Facts, recorded: Recorded, event: TokenCreated) -> None:
    facts.put(facts.versions, event.token_id, recorded.version)
    facts.put(facts.tokens, event.token_id, event.user_id)


@folds(TokenRevoked)
def _fold_revoked(facts: Facts, recorded: Recorded, event: TokenRevoked) -> None:
    facts.put(facts.versions, event.token_id, recorded.version)
    facts.drop(facts.tokens, event.token_id)
