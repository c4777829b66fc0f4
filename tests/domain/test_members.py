"""Members: who is in a workspace, and what each role may wish for."""

from collections.abc import Mapping

import pytest

from domain.access import ROLE_NAMES, Role, may
from domain.base import CreateBase, DeleteBase, RestoreBase, UpdateBase
from domain.constraint import (
    CreateConstraint,
    DeleteConstraint,
    RestoreConstraint,
    UpdateConstraint,
)
from domain.copy import CopyBase, CopyLinks, CopyRecords
from domain.decider import commands
from domain.errors import Conflict, Forbidden, NotFound
from domain.events import Actor, Command
from domain.field import CreateField, DeleteField, RestoreField, UpdateField
from domain.field_order import ReorderFields
from domain.ids import BaseId, ConstraintId, FieldId, TableId, UserId, ViewId
from domain.key import CreateKey, DeleteKey
from domain.record import (
    CreateRecords,
    DeleteRecords,
    RestoreRecord,
    UpdateRecords,
)
from domain.table import CreateTable, DeleteTable, RestoreTable, UpdateTable
from domain.user import ChangeProfile, GrantAdministration, RegisterUser
from domain.view import (
    CreateView,
    DeleteView,
    ExpectView,
    ReorderViews,
    RestoreView,
    UpdateView,
)
from domain.workspace import (
    AddMember,
    CreateWorkspace,
    MemberAdded,
    MemberRemoved,
    RemoveMember,
    UpdateWorkspace,
)
from tests.domain.library import ADA, AUTHORS, MEMBERS, author, unique, view
from tests.scenario import OWNER, WORKSPACE, Store, scenario

ADMIN, EDITOR, VIEWER = (Actor("user", who) for who in ("admin", "editor", "viewer"))
STRANGER = Actor("user", "eve")
EVE = UserId("eve")

GIVEN = [
    *AUTHORS,
    unique("name", "authors"),
    view("all", "authors"),
    author(1, name="Ada"),
]
TABLE, FIELD, UNIQUE = TableId("authors"), FieldId("name"), ConstraintId("unique-name")
VIEW = ViewId("all")

# every command that a role is needed for
WISHES: Mapping[Role, list[Command]] = {
    Role.editor: [
        CreateRecords(TABLE, 12, []),
        UpdateRecords(TABLE, 12, []),
        DeleteRecords(TABLE, [ADA]),
        RestoreRecord(ADA, TABLE, 1, {}, {}, "", ""),
        CreateView(ViewId("other"), TABLE, "Other", "grid", {}),
        UpdateView(VIEW, TABLE, {}),
        DeleteView(VIEW),
        RestoreView(VIEW, TABLE),
        ReorderViews(TABLE, [VIEW]),
        ExpectView(VIEW, 1),
    ],
    Role.admin: [
        UpdateWorkspace(WORKSPACE, {}),
        AddMember("member-5", EVE, "viewer"),
        RemoveMember(UserId("viewer")),
        CreateBase(BaseId("other"), "Other"),
        UpdateBase(BaseId("base"), {}),
        DeleteBase(BaseId("base")),
        RestoreBase(BaseId("base")),
        CopyBase(BaseId("other"), "Other", None, None, [], {}, {}),
        CreateTable(TableId("other"), BaseId("base"), 2, "Other"),
        UpdateTable(TABLE, {}),
        DeleteTable(TABLE),
        RestoreTable(TABLE),
        CreateField(FieldId("other"), TABLE, "Other", "text", {}),
        UpdateField(FIELD, TABLE, {}),
        DeleteField(FIELD),
        RestoreField(FIELD),
        ReorderFields(TABLE, [FIELD]),
        CreateConstraint(ConstraintId("other"), TABLE, FieldId("born")),
        UpdateConstraint(UNIQUE, TABLE, FIELD, {}),
        DeleteConstraint(UNIQUE),
        RestoreConstraint(UNIQUE, TABLE, FIELD),
    ],
}
ALL = [(role, wish) for role, wishes in WISHES.items() for wish in wishes]


def named(case: object) -> str | None:
    return type(case).__name__ if isinstance(case, Command) else None


# who may wish for what


@pytest.mark.parametrize(("needed", "wish"), ALL, ids=named)
def test_a_stranger_finds_nothing(needed: Role, wish: Command):
    scenario(given=GIVEN, when=wish, actor=STRANGER, users=["eve"], refused=NotFound)


@pytest.mark.parametrize(("needed", "wish"), ALL, ids=named)
def test_a_lower_role_is_refused_and_a_higher_one_is_not(needed: Role, wish: Command):
    for actor in (VIEWER, EDITOR, ADMIN, OWNER):
        if Role[actor.id] < needed:
            scenario(given=GIVEN, when=wish, actor=actor, refused=Forbidden)
        else:
            Store(GIVEN, users=["eve"]).do(wish, actor=actor)


def test_every_command_says_the_role_that_it_needs():
    expected = {type(wish): role for role, wish in ALL}
    inside_a_copy = dict.fromkeys([CopyRecords, CopyLinks], Role.admin)
    nobody_yet = [
        CreateWorkspace,
        RegisterUser,
        ChangeProfile,
        GrantAdministration,
        CreateKey,
        DeleteKey,
    ]

    assert commands() == expected | inside_a_copy | dict.fromkeys(nobody_yet)


def test_roles_are_in_order():
    assert ROLE_NAMES == ("viewer", "commenter", "editor", "admin", "owner")
    assert may(Role.owner, Role.editor)
    assert may(Role.editor, Role.editor)
    assert not may(Role.commenter, Role.editor)
    assert not may(None, Role.viewer)


# joining


def test_a_user_is_added_with_a_role():
    scenario(
        given=MEMBERS,
        users=["eve"],
        when=AddMember("member-5", EVE, "commenter"),
        then=[MemberAdded("member-5", "eve", "commenter")],
    )


def test_somebody_who_is_no_user_is_not_added():
    scenario(
        given=MEMBERS,
        when=AddMember("member-5", EVE, "viewer"),
        refused=NotFound,
        detail="User not found",
    )


def test_a_member_is_not_added_again():
    scenario(
        given=MEMBERS,
        users=["viewer"],
        when=AddMember("member-5", UserId("viewer"), "editor"),
        refused=Conflict,
        detail="The user is already a member",
    )


def test_nobody_is_added_to_a_workspace_that_is_not_there():
    scenario(
        given=[],
        users=["eve"],
        when=AddMember("member-5", EVE, "viewer"),
        refused=NotFound,
        detail="Workspace not found",
    )


@pytest.mark.parametrize("role", ["viewer", "commenter", "editor", "admin"])
def test_an_admin_gives_roles_up_to_their_own(role: str):
    scenario(
        given=MEMBERS,
        users=["eve"],
        actor=ADMIN,
        when=AddMember("member-5", EVE, role),
        then=[MemberAdded("member-5", "eve", role)],
    )


def test_an_admin_makes_no_owner():
    scenario(
        given=MEMBERS,
        users=["eve"],
        actor=ADMIN,
        when=AddMember("member-5", EVE, "owner"),
        refused=Forbidden,
        detail="Nobody can give a role above their own",
    )


def test_an_owner_makes_another_one():
    scenario(
        given=MEMBERS,
        users=["eve"],
        actor=OWNER,
        when=AddMember("member-5", EVE, "owner"),
        then=[MemberAdded("member-5", "eve", "owner")],
    )


def test_who_comes_back_has_the_membership_of_before():
    scenario(
        given=[*MEMBERS, MemberRemoved("member-4", "viewer", "viewer")],
        users=["viewer"],
        when=AddMember("member-9", UserId("viewer"), "editor"),
        then=[MemberAdded("member-4", "viewer", "editor")],
    )


# leaving


def test_a_member_is_removed_with_the_role_they_had():
    scenario(
        given=MEMBERS,
        when=RemoveMember(UserId("editor")),
        then=[MemberRemoved("member-3", "editor", "editor")],
    )


@pytest.mark.parametrize("gone", ["eve", "viewer"])
def test_only_a_member_can_be_removed(gone: str):
    scenario(
        given=[*MEMBERS, MemberRemoved("member-4", "viewer", "viewer")],
        users=["eve", "viewer"],
        when=RemoveMember(UserId(gone)),
        refused=NotFound,
        detail="Member not found",
    )


def test_the_last_owner_stays():
    scenario(
        given=MEMBERS,
        when=RemoveMember(UserId("owner")),
        refused=Conflict,
        detail="The last owner cannot leave",
    )


def test_an_owner_leaves_while_there_is_another():
    scenario(
        given=[*MEMBERS, MemberAdded("member-5", "eve", "owner")],
        when=RemoveMember(UserId("owner")),
        then=[MemberRemoved("member-1", "owner", "owner")],
    )


def test_two_owners_cannot_leave_in_one_unit():
    scenario(
        given=[*MEMBERS, MemberAdded("member-5", "eve", "owner")],
        when=[RemoveMember(UserId("owner")), RemoveMember(EVE)],
        refused=Conflict,
        detail="The last owner cannot leave",
    )


def test_who_was_removed_may_nothing_more():
    scenario(
        given=[*GIVEN, MemberRemoved("member-3", "editor", "editor")],
        actor=EDITOR,
        when=DeleteRecords(TABLE, [ADA]),
        refused=NotFound,
        detail="Not found",
    )


def test_a_membership_counts_its_changes():
    store = Store(MEMBERS, users=["viewer"])
    store.do(RemoveMember(UserId("viewer")))
    assert store.catalog.role_of("viewer") is None
    store.do(AddMember("member-9", UserId("viewer"), "editor"))
    member = store.catalog.members[UserId("viewer")]

    assert (member.id, member.role, member.version) == ("member-4", Role.editor, 3)
    assert not member.deleted
