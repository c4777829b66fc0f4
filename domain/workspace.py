"""Workspaces and their members.  Pure.

A workspace's creation is position 1 of its own ledger; its owner is its first member.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from domain.access import Role, may
from domain.catalog import Catalog, Member, Table, Workspace
from domain.decider import asks, decides, folds, grows
from domain.errors import (
    Conflict,
    Forbidden,
    Invalid,
    Json,
    NameTaken,
    NotFound,
    StaleSchema,
    VersionMismatch,
)
from domain.events import UPCASTERS, Command, Event, Inverse, Recorded, event
from domain.facts import Facts, Needs
from domain.ids import UserId, WorkspaceId

# slugs that are part of a path of some surface
RESERVED_SLUGS = frozenset(
    {
        "v1",
        "api",
        "workspace",
        "workspaces",
        "auth",
        "docs",
        "openapi",
        "health",
        "metrics",
        "admin",
        "events",
        "audit",
        "pybase",
        "tables",
        "querybase",
        "modelling",
        "cms",
        "static",
        "public",
    }
)
_VERSION = re.compile("v[0-9]+")  # of a surface: every one that may come
# what is public of a workspace is so only while it is active
STATUSES = ("active", "inactive", "suspended")


def reserved(slug: str) -> bool:
    """Whether a slug is part of a path of some surface, or may be."""
    return slug in RESERVED_SLUGS or _VERSION.fullmatch(slug) is not None


@dataclass(frozen=True, slots=True)
class CreateWorkspace(Command):
    workspace_id: WorkspaceId
    name: str
    slug: str
    slug_is_chosen: bool
    description: str | None
    owner_id: UserId
    member_id: str
    status: str = "active"


@dataclass(frozen=True, slots=True)
class UpdateWorkspace(Command):
    """`changes` by name: name, slug, description, status."""

    workspace_id: WorkspaceId
    changes: Mapping[str, str | None]
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class AddMember(Command):
    """`since`: when the membership began, where it is one of before."""

    member_id: str
    user_id: UserId
    role: str
    since: str | None = None


@dataclass(frozen=True, slots=True)
class UpdateMember(Command):
    user_id: UserId
    role: str
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class RemoveMember(Command):
    user_id: UserId
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class LeaveWorkspace(Command):
    """The actor's own membership ends."""

    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class DeleteWorkspace(Command):
    workspace_id: WorkspaceId
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class RestoreWorkspace(Command):
    workspace_id: WorkspaceId


@event("workspace.created", schema=2)
class WorkspaceCreated(Event):
    """No inverse: a workspace is deleted by its owner, not undone."""

    workspace_id: str
    name: str
    slug: str
    description: str | None
    owner_id: str
    status: str = "active"
    FOLLOWS = False

    def inverse(self) -> None:
        return None


UPCASTERS["workspace.created", 1] = lambda payload: {**payload, "status": "active"}


@event("workspace.updated")
class WorkspaceUpdated(Event):
    workspace_id: str
    changes: dict[str, Json]  # name -> {"from", "to"}

    def inverse(self) -> Inverse:
        return UpdateWorkspace(WorkspaceId(self.workspace_id), before_of(self.changes))


@event("workspace.deleted")
class WorkspaceDeleted(Event):
    """Everything below is gone with it, and comes back with it."""

    workspace_id: str
    name: str
    slug: str

    def inverse(self) -> Inverse:
        return RestoreWorkspace(WorkspaceId(self.workspace_id))


@event("workspace.restored")
class WorkspaceRestored(Event):
    workspace_id: str
    name: str
    slug: str

    def inverse(self) -> Inverse:
        return DeleteWorkspace(WorkspaceId(self.workspace_id))


@event("member.added", schema=2)
class MemberAdded(Event):
    """`since`: when the membership began; None: now."""

    member_id: str
    user_id: str
    role: str
    since: str | None = None

    def inverse(self) -> Inverse:
        return RemoveMember(UserId(self.user_id))


UPCASTERS["member.added", 1] = lambda payload: {**payload, "since": None}


@event("member.updated")
class MemberUpdated(Event):
    member_id: str
    user_id: str
    changes: dict[str, Json]  # name -> {"from", "to"}

    def inverse(self) -> Inverse:
        role = before_of(self.changes)["role"]
        return UpdateMember(UserId(self.user_id), role or "")


@event("member.removed", schema=2)
class MemberRemoved(Event):
    """`since`: when the membership began; None in what was written before it was
    kept."""

    member_id: str
    user_id: str
    role: str
    since: str | None = None

    def inverse(self) -> Inverse:
        return AddMember(self.member_id, UserId(self.user_id), self.role, self.since)


UPCASTERS["member.removed", 1] = lambda payload: {**payload, "since": None}


def before_of(changes: Mapping[str, Json]) -> dict[str, str | None]:
    """Of {name: {from, to}}: what each was."""
    return {
        name: change["from"]  # type: ignore[misc]
        for name, change in changes.items()
        if isinstance(change, dict)
    }


def differences(now: Mapping[str, Json], wanted: Mapping[str, Json]) -> dict[str, Json]:
    """{name: {from, to}} of what would change; what stays the same is left out."""
    return {
        name: {"from": now[name], "to": value}
        for name, value in wanted.items()
        if now[name] != value
    }


def expect_version(version: int, if_match: int | None) -> None:
    """Refuses where `If-Match` named another version."""
    if if_match is not None and if_match != version:
        raise VersionMismatch(current_version=version)


def expect_schema(table: Table, schema_seq: int | None) -> None:
    """Refuses what was read against another schema of a table; None was not."""
    if schema_seq is not None and table.schema_seq != schema_seq:
        raise StaleSchema()


def candidate_slugs(slug: str) -> list[str]:
    """A derived slug and what is tried where it is taken."""
    return [slug, *(f"{slug}-{number}" for number in range(2, 40))]


@asks(CreateWorkspace)
def _create_needs(command: CreateWorkspace, _catalog: Catalog, needs: Needs) -> None:
    needs.slugs.update(candidate_slugs(command.slug))
    needs.users.add(command.owner_id)


@asks(UpdateWorkspace)
def _update_needs(command: UpdateWorkspace, _catalog: Catalog, needs: Needs) -> None:
    slug = command.changes.get("slug")
    if slug is not None:
        needs.slugs.add(slug)


@asks(RestoreWorkspace)
def _restore_needs(_command: RestoreWorkspace, catalog: Catalog, needs: Needs) -> None:
    if catalog.workspace is not None:
        needs.slugs.add(catalog.workspace.slug)


@asks(AddMember)
def _add_needs(command: AddMember, _catalog: Catalog, needs: Needs) -> None:
    needs.users.add(command.user_id)


def _free_slug(command: CreateWorkspace, facts: Facts) -> str:
    def free(slug: str) -> bool:
        return not reserved(slug) and slug not in facts.slugs

    if command.slug_is_chosen:
        if not free(command.slug):
            raise NameTaken("The slug is already in use", field="slug")
        return command.slug
    found = next((slug for slug in candidate_slugs(command.slug) if free(slug)), None)
    return found or f"{command.slug}-{command.workspace_id[-12:]}"


def _status(word: str | None) -> str:
    if word not in STATUSES:
        raise Invalid(f"The status is one of {', '.join(STATUSES)}", field="status")
    return word


@decides(CreateWorkspace, role=None)
def _create(command: CreateWorkspace, facts: Facts) -> Sequence[Event]:
    if facts.catalog.workspace is not None:
        raise Conflict("The workspace exists already")
    if command.owner_id not in facts.users:
        raise NotFound("User not found")
    return [
        WorkspaceCreated(
            command.workspace_id,
            command.name,
            _free_slug(command, facts),
            command.description,
            command.owner_id,
            _status(command.status),
        ),
        MemberAdded(command.member_id, command.owner_id, Role.owner.name),
    ]


@decides(UpdateWorkspace, role=Role.admin)
def _update(command: UpdateWorkspace, facts: Facts) -> Sequence[Event]:
    workspace = facts.catalog.live_workspace()
    expect_version(workspace.version, command.if_match)
    now = {
        "name": workspace.name,
        "slug": workspace.slug,
        "description": workspace.description,
        "status": workspace.status,
    }
    changes = differences(now, command.changes)
    if "status" in changes:
        _status(command.changes["status"])
    slug = command.changes.get("slug")
    other = facts.slugs.get(slug or "", workspace.id) != workspace.id
    if "slug" in changes and (reserved(str(slug)) or other):
        raise NameTaken("The slug is already in use", field="slug")
    return [WorkspaceUpdated(workspace.id, changes)] if changes else []


@decides(DeleteWorkspace, role=Role.owner)
def _delete(command: DeleteWorkspace, facts: Facts) -> Sequence[Event]:
    workspace = facts.catalog.live_workspace()
    expect_version(workspace.version, command.if_match)
    return [WorkspaceDeleted(workspace.id, workspace.name, workspace.slug)]


# no role: of a deleted workspace nobody has one
@decides(RestoreWorkspace, role=None)
def _restore(_command: RestoreWorkspace, facts: Facts) -> Sequence[Event]:
    workspace = facts.catalog.workspace
    owning = {str(one.user_id) for one in facts.catalog.owners}
    if facts.actor.kind != "system" and facts.actor.id not in owning:
        raise NotFound("Workspace not found")
    if workspace is None:
        raise NotFound("Workspace not found")
    if not workspace.deleted:
        return []
    if facts.slugs.get(workspace.slug, workspace.id) != workspace.id:
        raise NameTaken("The slug is already in use", field="slug")
    return [WorkspaceRestored(workspace.id, workspace.name, workspace.slug)]


@decides(AddMember, role=Role.admin)
def _add_member(command: AddMember, facts: Facts) -> Sequence[Event]:
    facts.catalog.live_workspace()
    if command.user_id not in facts.users:
        raise NotFound("User not found")
    if facts.catalog.role_of(command.user_id) is not None:
        raise Conflict("The user is already a member")
    own = facts.catalog.role_of(facts.actor.id)
    if facts.actor.kind != "system" and not may(own, Role[command.role]):
        raise Forbidden("Nobody can give a role above their own")
    known = facts.catalog.members.get(command.user_id)
    stream = known.id if known is not None else command.member_id
    return [MemberAdded(stream, command.user_id, command.role, command.since)]


@decides(RemoveMember, role=Role.admin)
def _remove_member(command: RemoveMember, facts: Facts) -> Sequence[Event]:
    member = _live_member(facts, command.user_id, command.if_match)
    _among_owners(facts, member.role)
    return [_removal(facts, member)]


@decides(LeaveWorkspace, role=Role.viewer)
def _leave(command: LeaveWorkspace, facts: Facts) -> Sequence[Event]:
    member = _live_member(facts, facts.actor.id, command.if_match)
    return [_removal(facts, member)]


@decides(UpdateMember, role=Role.admin)
def _update_member(command: UpdateMember, facts: Facts) -> Sequence[Event]:
    member = _live_member(facts, command.user_id, command.if_match)
    role = Role[command.role]
    _among_owners(facts, member.role, role)
    if role is member.role:
        return []
    if facts.catalog.owners == (member,):
        raise Conflict("The last owner cannot step down")
    changes = differences({"role": member.role.name}, {"role": role.name})
    return [MemberUpdated(member.id, member.user_id, changes)]


def _live_member(facts: Facts, user_id: str, if_match: int | None) -> Member:
    member = facts.catalog.members.get(UserId(user_id))
    if member is None or member.deleted:
        raise NotFound("Member not found")
    expect_version(member.version, if_match)
    return member


def _among_owners(facts: Facts, *roles: Role) -> None:
    """Refuses what only an owner may: to make, change or remove an owner."""
    if facts.actor.kind == "system" or Role.owner not in roles:
        return
    if facts.catalog.role_of(facts.actor.id) is not Role.owner:
        raise Forbidden("Only an owner makes, changes or removes an owner")


def _removal(facts: Facts, member: Member) -> Event:
    if facts.catalog.owners == (member,):
        raise Conflict("The last owner cannot leave")
    return MemberRemoved(member.id, member.user_id, member.role.name, member.created_at)


@folds(WorkspaceCreated)
def _fold_created(facts: Facts, _recorded: Recorded, event: WorkspaceCreated) -> None:
    facts.put(facts.slugs, event.slug, event.workspace_id)


@grows(WorkspaceCreated)
def _grow_created(
    catalog: Catalog, recorded: Recorded, event: WorkspaceCreated
) -> Catalog:
    made = Workspace(
        WorkspaceId(event.workspace_id),
        event.name,
        event.slug,
        event.description,
        UserId(event.owner_id),
        recorded.at,
        recorded.at,
        recorded.version,
        status=event.status,
    )
    return replace(catalog, seq=recorded.seq, workspace=made)


@grows(WorkspaceUpdated)
def _grow_updated(
    catalog: Catalog, recorded: Recorded, event: WorkspaceUpdated
) -> Catalog:
    changed = replace(
        catalog.live_workspace(),
        **{name: change["to"] for name, change in event.changes.items()},  # type: ignore[arg-type, call-overload, index]
        version=recorded.version,
        updated_at=recorded.at,
    )
    return replace(catalog, seq=recorded.seq, workspace=changed)


@grows(WorkspaceDeleted, WorkspaceRestored)
def _grow_gone(
    catalog: Catalog, recorded: Recorded, event: WorkspaceDeleted | WorkspaceRestored
) -> Catalog:
    if catalog.workspace is None:
        raise NotFound("Workspace not found")
    changed = replace(
        catalog.workspace,
        deleted=isinstance(event, WorkspaceDeleted),
        version=recorded.version,
    )
    return replace(catalog, seq=recorded.seq, workspace=changed)


@grows(MemberUpdated)
def _grow_member_updated(
    catalog: Catalog, recorded: Recorded, event: MemberUpdated
) -> Catalog:
    user_id = UserId(event.user_id)
    role = Role[str(event.changes["role"]["to"])]  # type: ignore[call-overload, index]
    member = replace(catalog.members[user_id], role=role, version=recorded.version)
    return replace(
        catalog, seq=recorded.seq, members={**catalog.members, user_id: member}
    )


@grows(MemberAdded)
def _grow_member(catalog: Catalog, recorded: Recorded, event: MemberAdded) -> Catalog:
    member = Member(
        event.member_id,
        UserId(event.user_id),
        Role[event.role],
        event.since or recorded.at,
        recorded.version,
    )
    return replace(
        catalog, seq=recorded.seq, members={**catalog.members, member.user_id: member}
    )


@grows(MemberRemoved)
def _grow_removed(
    catalog: Catalog, recorded: Recorded, event: MemberRemoved
) -> Catalog:
    user_id = UserId(event.user_id)
    gone = replace(catalog.members[user_id], deleted=True, version=recorded.version)
    return replace(
        catalog, seq=recorded.seq, members={**catalog.members, user_id: gone}
    )
