"""Users: known to events by id alone."""

from domain.errors import Conflict, NameTaken, NotFound
from domain.ids import UserId
from domain.user import (
    AdministrationGranted,
    ChangePassword,
    ChangeProfile,
    GrantAdministration,
    PasswordChanged,
    ProfileChanged,
    RegisterUser,
    UserRegistered,
)
from tests.scenario import Store, scenario

ADA, EVE = UserId("ada"), UserId("eve")


def test_a_user_registers_and_the_event_has_no_e_mail():
    scenario(
        given=[],
        when=RegisterUser(ADA, "ada@example.org"),
        then=[UserRegistered("ada")],
    )


def test_an_e_mail_registers_once():
    scenario(
        given=[],
        emails=["ada@example.org"],
        when=RegisterUser(ADA, "ada@example.org"),
        refused=Conflict,
        detail="Email already registered",
    )


def test_two_of_one_unit_cannot_share_an_e_mail():
    scenario(
        given=[],
        when=[
            RegisterUser(ADA, "ada@example.org"),
            RegisterUser(EVE, "ada@example.org"),
        ],
        refused=Conflict,
        detail="Email already registered",
    )


def test_a_change_of_profile_names_what_changed_in_order():
    scenario(
        given=[UserRegistered("ada")],
        when=ChangeProfile(ADA, ("name", "avatar_url", "email")),
        then=[ProfileChanged("ada", ["avatar_url", "email", "name"])],
    )


def test_a_profile_that_stays_as_it_is_fires_nothing():
    scenario(given=[UserRegistered("ada")], when=ChangeProfile(ADA, ()), then=[])


def test_a_user_becomes_an_administrator():
    scenario(
        given=[UserRegistered("ada")],
        when=GrantAdministration(ADA),
        then=[AdministrationGranted("ada")],
    )


def test_only_a_user_can_change():
    wishes = [
        ChangeProfile(EVE, ("name",)),
        GrantAdministration(EVE),
        ChangePassword(EVE),
    ]
    for wish in wishes:
        scenario(
            given=[UserRegistered("ada")],
            when=wish,
            refused=NotFound,
            detail="User not found",
        )


def test_a_user_registers_and_changes_in_one_unit():
    store = Store()
    unit = store.do(
        RegisterUser(ADA, "ada@example.org"),
        ChangeProfile(ADA, ("name",)),
        GrantAdministration(ADA),
    )

    assert [(one.event.stream_id, one.version) for one in unit] == [
        ("ada", 1),
        ("ada", 2),
        ("ada", 3),
    ]
    assert store.all.users == {"ada": 3}


def test_a_new_password_is_recorded_without_it():
    scenario(
        given=[UserRegistered("ada")],
        when=ChangePassword(ADA),
        then=[PasswordChanged("ada")],
    )


def test_a_username_is_one_users():
    for wish in (
        ChangeProfile(EVE, ("username",), "ada"),
        RegisterUser(UserId("mia"), "mia@example.org", "ada"),
    ):
        scenario(
            given=[UserRegistered("ada"), UserRegistered("eve")],
            when=[ChangeProfile(ADA, ("username",), "ada"), wish],
            refused=NameTaken,
            detail="Username already taken",
        )


def test_whose_a_username_is_may_spell_it_anew():
    scenario(
        given=[UserRegistered("ada")],
        when=[ChangeProfile(ADA, ("username",), "ada")] * 2,
        then=[ProfileChanged("ada", ["username"])] * 2,
    )
