"""API keys: known to events by id alone."""

import pytest

from domain.errors import Conflict, NotFound, VersionMismatch
from domain.ids import UserId
from domain.key import MAX_KEYS, CreateKey, DeleteKey, KeyCreated, KeyDeleted
from domain.user import UserRegistered
from tests.scenario import Store, scenario

ADA, EVE = UserId("ada"), UserId("eve")
END = "2030-01-01T00:00:00.000000Z"
USERS = [UserRegistered("ada"), UserRegistered("eve")]
MADE = KeyCreated("key-1", "ada", ["read"], None)


def test_a_key_is_recorded_with_what_it_is_good_for():
    scenario(
        given=USERS,
        when=CreateKey("key-1", ADA, ("write", "read"), END),
        then=[KeyCreated("key-1", "ada", ["read", "write"], END)],
    )


def test_only_a_user_has_keys():
    scenario(
        given=[],
        when=CreateKey("key-1", ADA, ("read",), None),
        refused=NotFound,
        detail="User not found",
    )


def test_a_key_is_deleted_by_its_owner():
    scenario(
        given=[*USERS, MADE],
        when=DeleteKey("key-1", ADA),
        then=[KeyDeleted("key-1", "ada")],
    )


@pytest.mark.parametrize(("key_id", "who"), [("key-1", EVE), ("key-2", ADA)])
def test_anothers_key_is_not_there(key_id: str, who: UserId):
    scenario(
        given=[*USERS, MADE],
        when=DeleteKey(key_id, who),
        refused=NotFound,
        detail="API key not found",
    )


def test_a_key_is_deleted_once():
    scenario(
        given=[*USERS, MADE, KeyDeleted("key-1", "ada")],
        when=DeleteKey("key-1", ADA),
        refused=NotFound,
        detail="API key not found",
    )
    scenario(
        given=[*USERS, MADE],
        when=[DeleteKey("key-1", ADA), DeleteKey("key-1", ADA)],
        refused=NotFound,
        detail="API key not found",
    )


def test_a_key_is_deleted_by_who_saw_its_version():
    scenario(
        given=[*USERS, MADE],
        when=DeleteKey("key-1", ADA, if_match=2),
        refused=VersionMismatch,
        detail="The resource has another version",
        current_version=1,
    )


def test_a_user_has_a_hundred_keys_at_most():
    made = [KeyCreated(f"key-{n}", "ada", ["read"], None) for n in range(MAX_KEYS)]
    one_more = CreateKey("one-more", ADA, ("read",), None)
    scenario(
        given=[*USERS, *made],
        when=one_more,
        refused=Conflict,
        detail="A user has at most 100 API keys",
    )
    scenario(
        given=[*USERS, *made, KeyDeleted("key-7", "ada")],
        when=one_more,
        then=[KeyCreated("one-more", "ada", ["read"], None)],
    )


def test_a_key_is_made_and_deleted_in_one_unit():
    store = Store(USERS)
    unit = store.do(CreateKey("key-1", ADA, ("read",), None), DeleteKey("key-1", ADA))

    assert [one.version for one in unit] == [1, 2]
    assert store.all.api_keys == {}
