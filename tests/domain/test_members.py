"""Members: who is in a workspace, and what each role may wish for."""

from collections.abc import Mapping

import pytest

from domain.access import ROLE_NAMES, Role, may
from domain.base import (
    CreateBase,
    DeleteBase,
    MakeContentBase,
    RestoreBase,
    UpdateBase,
)
from domain.constraint import (
    CreateConstraint,
    DeleteConstraint,
    RestoreConstraint,
    SettleConstraint,
    UpdateConstraint,
)
from domain.copy import CopyBase, CopyLinks, CopyRecords
from domain.decider import commands
from domain.errors import (
    Conflict,
    Forbidden,
    NameTaken,
    NotFound,
    VersionMismatch,
)
from domain.events import Actor, Command
from domain.facts import File
from domain.field import (
    CreateField,
    DeleteField,
    DropOther,
    KeepOther,
    RestoreField,
    UpdateField,
)
from domain.field_order import ReorderFields
from domain.file import UploadFile
from domain.foreign import AppendForeign
from domain.history import ExpectUnchanged, TellUndone
from domain.ids import BaseId, ConstraintId, FieldId, TableId, UserId, ViewId, WebhookId
from domain.key import CreateKey, DeleteKey
from domain.record import (
    CreateRecords,
    DeleteRecords,
    RestoreRecord,
    RestoreRecords,
    UpdateRecords,
)
from domain.retype import RetypeField
from domain.table import CreateTable, DeleteTable, RestoreTable, UpdateTable
from domain.token import CreateToken, RevokeToken
from domain.user import (
    ChangePassword,
    ChangeProfile,
    GrantAdministration,
    RegisterUser,
)
from domain.view import (
    CreateView,
    DeleteView,
    ExpectView,
    ReorderViews,
    RestoreView,
    UpdateView,
)
from domain.webhook import (
    OUTGOING,
    CreateWebhook,
    DeleteWebhook,
    ExpectWebhook,
    RenewWebhook,
    ReplayWebhook,
    RestoreWebhook,
    Target,
    UpdateWebhook,
)
from domain.workspace import (
    AddMember,
    CreateWorkspace,
    DeleteWorkspace,
    LeaveWorkspace,
    MemberAdded,
    MemberRemoved,
    MemberUpdated,
    RemoveMember,
    RestoreWorkspace,
    UpdateMember,
    UpdateWorkspace,
    WorkspaceDeleted,
    WorkspaceRestored,
)
from tests.domain.library import ADA, AUTHORS, MEMBERS, author, unique, view, webhook
from tests.scenario import OWNER, SYSTEM, WORKSPACE, Store, moment, scenario

ADMIN, EDITOR, VIEWER = (Actor("user", who) for who in ("admin", "editor", "viewer"))
STRANGER = Actor("user", "eve")
EVE = UserId("eve")

GIVEN = [
    *AUTHORS,
    unique("name", "authors"),
    view("all", "authors"),
    webhook("hook", "authors"),
    author(1, name="Ada"),
]
TABLE, FIELD, UNIQUE = TableId("authors"), FieldId("name"), ConstraintId("unique-name")
VIEW = ViewId("all")
HOOK, TARGET = WebhookId("hook"), Target("target", "https://example.org")

# every command that a role is needed for
WISHES: Mapping[Role, list[Command]] = {
    Role.viewer: [LeaveWorkspace()],
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
        ExpectWebhook(HOOK, 1),
        KeepOther(TABLE, FieldId("other")),
        DropOther(TABLE, FIELD),
        UploadFile(File("file", "notes.txt", "text/plain", 1, "0" * 64)),
    ],
    Role.admin: [
        UpdateWorkspace(WORKSPACE, {}),
        AddMember("member-5", EVE, "viewer"),
        RemoveMember(UserId("viewer")),
        UpdateMember(UserId("viewer"), "editor"),
        CreateBase(BaseId("other"), "Other"),
        MakeContentBase(BaseId("other")),
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
        RetypeField(FIELD, TABLE, "long_text", {}),
        ReorderFields(TABLE, [FIELD]),
        CreateConstraint(ConstraintId("other"), TABLE, FieldId("born")),
        UpdateConstraint(UNIQUE, TABLE, FIELD, {}),
        DeleteConstraint(UNIQUE),
        RestoreConstraint(UNIQUE, TABLE, FIELD),
        SettleConstraint(UNIQUE, TABLE, FIELD),
        CreateWebhook(
            WebhookId("other"), TABLE, "Other", OUTGOING, ["record.*"], target=TARGET
        ),
        UpdateWebhook(HOOK, {}),
        DeleteWebhook(HOOK),
        RestoreWebhook(HOOK),
        RenewWebhook(HOOK, OUTGOING),
        ReplayWebhook(HOOK, 1, 2),
    ],
    Role.owner: [DeleteWorkspace(WORKSPACE)],
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
            owners = [*GIVEN, MemberAdded("member-5", "flo", "owner")]
            Store(owners, users=["eve"]).do(wish, actor=actor)


def test_every_command_says_the_role_that_it_needs():
    expected = {type(wish): role for role, wish in ALL}
    inside_a_copy = dict.fromkeys([CopyRecords, CopyLinks], Role.admin)
    inside_an_undo = {RestoreRecords: Role.editor}
    nobody_yet = [
        CreateWorkspace,
        RegisterUser,
        ChangeProfile,
        GrantAdministration,
        ChangePassword,
        CreateKey,
        DeleteKey,
        AppendForeign,
        RestoreWorkspace,
        ExpectUnchanged,
        TellUndone,
    ]

    # of their own, and only an administrator of others: tests/domain/test_token.py
    of_members = dict.fromkeys([CreateToken, RevokeToken], Role.viewer)

    inside = inside_a_copy | inside_an_undo | of_members
    assert commands() == expected | inside | dict.fromkeys(nobody_yet)


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
        then=[MemberRemoved("member-3", "editor", "editor", moment(4))],
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
        then=[MemberRemoved("member-1", "owner", "owner", moment(2))],
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


def test_a_member_leaves_by_a_wish_of_their_own():
    scenario(
        given=MEMBERS,
        actor=VIEWER,
        when=LeaveWorkspace(),
        then=[MemberRemoved("member-4", "viewer", "viewer", moment(5))],
    )


def test_the_last_owner_does_not_leave_by_their_own_wish_either():
    scenario(
        given=MEMBERS,
        actor=OWNER,
        when=LeaveWorkspace(),
        refused=Conflict,
        detail="The last owner cannot leave",
    )


# roles that change


def role_changed(who: str, number: int, before: str, after: str) -> MemberUpdated:
    changes = {"role": {"from": before, "to": after}}
    return MemberUpdated(f"member-{number}", who, changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("role", ["viewer", "commenter", "admin"])
def test_an_admin_changes_a_role(role: str):
    scenario(
        given=MEMBERS,
        actor=ADMIN,
        when=UpdateMember(UserId("editor"), role),
        then=[role_changed("editor", 3, "editor", role)],
    )


def test_the_same_role_again_fires_nothing():
    scenario(given=MEMBERS, when=UpdateMember(UserId("editor"), "editor"), then=[])


SECOND = MemberAdded("member-5", "eve", "owner")
ONLY_OWNERS = "Only an owner makes, changes or removes an owner"


@pytest.mark.parametrize(
    "wish",
    [
        UpdateMember(UserId("editor"), "owner"),
        UpdateMember(UserId("admin"), "owner"),
        UpdateMember(EVE, "viewer"),
        UpdateMember(EVE, "owner"),
        RemoveMember(EVE),
    ],
    ids=str,
)
def test_owners_are_a_matter_of_owners(wish: Command):
    scenario(
        given=[*MEMBERS, SECOND],
        actor=ADMIN,
        when=wish,
        refused=Forbidden,
        detail=ONLY_OWNERS,
    )
    Store([*MEMBERS, SECOND]).do(wish, actor=OWNER)


def test_the_last_owner_does_not_step_down():
    scenario(
        given=MEMBERS,
        actor=OWNER,
        when=UpdateMember(UserId("owner"), "admin"),
        refused=Conflict,
        detail="The last owner cannot step down",
    )
    scenario(
        given=[*MEMBERS, SECOND],
        actor=OWNER,
        when=UpdateMember(UserId("owner"), "admin"),
        then=[role_changed("owner", 1, "owner", "admin")],
    )


def test_a_workspace_is_handed_over_in_one_unit():
    scenario(
        given=MEMBERS,
        actor=OWNER,
        when=[
            UpdateMember(UserId("admin"), "owner"),
            UpdateMember(UserId("owner"), "viewer"),
        ],
        then=[
            role_changed("admin", 2, "admin", "owner"),
            role_changed("owner", 1, "owner", "viewer"),
        ],
    )


def test_who_owns_a_workspace_is_who_made_it_or_the_next_owner():
    store = Store([*MEMBERS, SECOND])
    assert store.catalog.owner_id == "owner"
    (left,) = store.do(LeaveWorkspace(), actor=OWNER)
    assert store.catalog.owner_id == "eve"
    back = left.event.inverse()
    assert back is not None
    store.all.users["owner"] = 1
    store.do(back)
    assert store.catalog.owner_id == "owner"


def test_a_member_is_changed_by_who_saw_the_version():
    for wish in (
        UpdateMember(UserId("viewer"), "editor", if_match=2),
        RemoveMember(UserId("viewer"), if_match=2),
    ):
        scenario(
            given=MEMBERS,
            when=wish,
            refused=VersionMismatch,
            detail="The resource has another version",
            current_version=1,
        )


def test_a_workspace_that_is_deleted_is_nobodys():
    gone = [*GIVEN, WorkspaceDeleted(WORKSPACE, "Library", "library")]
    for actor in (OWNER, ADMIN, VIEWER, SYSTEM):
        for _, wish in ALL:
            scenario(
                given=gone, when=wish, actor=actor, users=["eve"], refused=NotFound
            )


def test_a_workspace_is_deleted_by_an_owner_and_restored():
    scenario(
        given=GIVEN,
        actor=OWNER,
        when=[DeleteWorkspace(WORKSPACE), RestoreWorkspace(WORKSPACE)],
        then=[
            WorkspaceDeleted(WORKSPACE, "Library", "library"),
            WorkspaceRestored(WORKSPACE, "Library", "library"),
        ],
    )
    scenario(given=GIVEN, when=RestoreWorkspace(WORKSPACE), then=[])


def test_only_an_owner_restores_a_workspace():
    gone = [*GIVEN, WorkspaceDeleted(WORKSPACE, "Library", "library")]
    for actor in (ADMIN, STRANGER):
        scenario(
            given=gone,
            actor=actor,
            when=RestoreWorkspace(WORKSPACE),
            refused=NotFound,
            detail="Workspace not found",
        )


def test_a_workspace_is_not_restored_to_a_slug_that_was_taken():
    store = Store([*GIVEN, WorkspaceDeleted(WORKSPACE, "Library", "library")])
    store.all.slugs["library"] = "another workspace"

    with pytest.raises(NameTaken):
        store.do(RestoreWorkspace(WORKSPACE))


def test_a_workspace_is_deleted_by_who_saw_its_version():
    scenario(
        given=GIVEN,
        when=DeleteWorkspace(WORKSPACE, if_match=2),
        refused=VersionMismatch,
        detail="The resource has another version",
        current_version=1,
    )


def test_who_is_taken_back_has_been_a_member_for_as_long_as_before():
    """The longest-standing owner speaks for the workspace."""
    store = Store(
        [*MEMBERS, SECOND], users=["owner", "admin", "editor", "viewer", "eve"]
    )
    before = store.catalog.members[UserId("owner")]
    [removed] = store.do(RemoveMember(UserId("owner")))
    inverse = removed.event.inverse()
    assert inverse is not None
    store.do(inverse)

    assert store.catalog.members[UserId("owner")].created_at == before.created_at
    assert [one.user_id for one in store.catalog.owners] == ["owner", "eve"]
