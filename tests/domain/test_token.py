"""Access tokens: a member's own, or by an administrator; known to events by id."""

import pytest

from domain.errors import Conflict, DomainError, Forbidden, NotFound, VersionMismatch
from domain.events import Actor
from domain.ids import UserId
from domain.token import (
    MAX_TOKENS,
    CreateToken,
    RevokeToken,
    TokenCreated,
    TokenRevoked,
)
from domain.workspace import MemberAdded
from tests.domain.library import MEMBERS
from tests.scenario import Store

VIEWER, OTHER, ADMIN = (Actor("user", one) for one in ("vic", "oda", "amy"))
TEAM = [
    *MEMBERS,
    MemberAdded("m-1", "vic", "viewer"),
    MemberAdded("m-2", "oda", "viewer"),
    MemberAdded("m-3", "amy", "admin"),
]
MADE = TokenCreated("t-1", "vic", None)
END = "2030-01-01T00:00:00.000000Z"


def refused(given, who: Actor, wish, error: type[DomainError]) -> str:
    with pytest.raises(error) as found:
        Store(given).do(wish, actor=who)
    return found.value.detail


@pytest.mark.parametrize("who", [VIEWER, ADMIN], ids=["own", "admin"])
def test_a_token_is_made_for_a_member_by_the_member_or_an_admin(who: Actor):
    unit = Store(TEAM).do(CreateToken("t-1", UserId("vic"), END), actor=who)

    assert [one.event for one in unit] == [TokenCreated("t-1", "vic", END)]


def test_nobody_else_makes_a_members_token():
    wish = CreateToken("t-1", UserId("vic"), None)

    refused(TEAM, OTHER, wish, Forbidden)
    refused(TEAM, Actor("user", "eve"), wish, NotFound)


def test_only_a_member_has_tokens():
    wish = CreateToken("t-1", UserId("eve"), None)

    assert refused(TEAM, ADMIN, wish, NotFound) == "Member not found"


def test_a_member_has_at_most_a_hundred():
    made = [TokenCreated(f"t-{n}", "vic", None) for n in range(MAX_TOKENS)]
    wish = CreateToken("new", UserId("vic"), None)

    refused([*TEAM, *made], VIEWER, wish, Conflict)
    assert Store([*TEAM, *made, TokenRevoked("t-0", "vic")]).do(wish, actor=VIEWER)


@pytest.mark.parametrize("who", [VIEWER, ADMIN], ids=["own", "admin"])
def test_a_token_is_revoked_by_its_user_or_an_admin(who: Actor):
    unit = Store([*TEAM, MADE]).do(RevokeToken("t-1"), actor=who)

    assert [one.event for one in unit] == [TokenRevoked("t-1", "vic")]


def test_anothers_token_is_not_there():
    wish = RevokeToken("t-1")

    assert refused([*TEAM, MADE], OTHER, wish, NotFound) == "Access token not found"
    assert refused(TEAM, VIEWER, wish, NotFound) == "Access token not found"
    gone = [*TEAM, MADE, TokenRevoked("t-1", "vic")]
    assert refused(gone, VIEWER, wish, NotFound) == "Access token not found"


def test_another_version_of_a_token_is_not_revoked():
    refused([*TEAM, MADE], VIEWER, RevokeToken("t-1", if_match=2), VersionMismatch)
