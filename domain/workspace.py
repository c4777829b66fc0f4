"""Workspaces and their members.  Pure.

A workspace's creation is position 1 of its own ledger; its owner is its first member.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from domain.access import Role, may
from domain.catalog import Catalog, Member, Workspace
from domain.decider import asks, decides, folds, grows
from domain.errors import (
    Conflict,
    Forbidden,
    Json,
    NameTaken,
    NotFound,
    VersionMismatch,
)
from domain.events import Command, Event, Inverse, Recorded, event
from domain.facts import Facts, Needs
from domain.ids import UserId, WorkspaceId

# slugs that are part of a path of some surface
RESERVED_SLUGS = frozenset(
    {
        "v1",
        "v2",
        "v3",
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


@dataclass(frozen=True, slots=True)
class CreateWorkspace(Command):
    workspace_id: WorkspaceId
    name: str
    slug: str
    slug_is_chosen: bool
    description: str | None
    owner_id: UserId
    member_id: str


@dataclass(frozen=True, slots=True)
class UpdateWorkspace(Command):
    """`changes` by name: name, slug, description."""

    workspace_id: WorkspaceId
    changes: Mapping[str, str | None]
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class AddMember(Command):
    member_id: str
    user_id: UserId
    role: str


@dataclass(frozen=True, slots=True)
class RemoveMember(Command):
    user_id: UserId


@event("workspace.created")
class WorkspaceCreated(Event):
    """No inverse: a workspace is deleted by its owner, not undone."""

    workspace_id: str
    name: str
    slug: str
    description: str | None
    owner_id: str

    def inverse(self) -> None:
        return None


@event("workspace.updated")
class WorkspaceUpdated(Event):
    workspace_id: str
    changes: dict[str, Json]  # name -> {"from", "to"}

    def inverse(self) -> Inverse:
        return UpdateWorkspace(WorkspaceId(self.workspace_id), before_of(self.changes))


@event("member.added")
class MemberAdded(Event):
    member_id: str
    user_id: str
    role: str

    def inverse(self) -> Inverse:
        return RemoveMember(UserId(self.user_id))


@event("member.removed")
class MemberRemoved(Event):
    member_id: str
    user_id: str
    role: str

    def inverse(self) -> Inverse:
        return AddMember(self.member_id, UserId(self.user_id), self.role)


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


@asks(AddMember)
def _add_needs(command: AddMember, _catalog: Catalog, needs: Needs) -> None:
    needs.users.add(command.user_id)


def _free_slug(command: CreateWorkspace, facts: Facts) -> str:
    def free(slug: str) -> bool:
        return slug not in RESERVED_SLUGS and slug not in facts.slugs

    if command.slug_is_chosen:
        if not free(command.slug):
            raise NameTaken("The slug is already in use", field="slug")
        return command.slug
    found = next((slug for slug in candidate_slugs(command.slug) if free(slug)), None)
    return found or f"{command.slug}-{command.workspace_id[-12:]}"


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
    }
    changes = differences(now, command.changes)
    slug = command.changes.get("slug")
    other = facts.slugs.get(slug or "", workspace.id) != workspace.id
    if "slug" in changes and (slug in RESERVED_SLUGS or other):
        raise NameTaken("The slug is already in use", field="slug")
    return [WorkspaceUpdated(workspace.id, changes)] if changes else []


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
    return [MemberAdded(stream, command.user_id, command.role)]


@decides(RemoveMember, role=Role.admin)
def _remove_member(command: RemoveMember, facts: Facts) -> Sequence[Event]:
    member = facts.catalog.members.get(command.user_id)
    if member is None or member.deleted:
        raise NotFound("Member not found")
    owners = [
        one
        for one in facts.catalog.members.values()
        if one.role is Role.owner and not one.deleted
    ]
    if owners == [member]:
        raise Conflict("The last owner cannot leave")
    return [MemberRemoved(member.id, member.user_id, member.role.name)]


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


@grows(MemberAdded)
def _grow_member(catalog: Catalog, recorded: Recorded, event: MemberAdded) -> Catalog:
    member = Member(
        event.member_id,
        UserId(event.user_id),
        Role[event.role],
        recorded.at,
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
