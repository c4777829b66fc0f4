"""Workspaces, their members, and bases."""

from typing import Any

import orjson

from api.http import Reply, Request, json_reply, read_id
from api.pybase import present, shapes
from api.pybase.parse import read_page
from api.writing import (
    committed,
    etag,
    given,
    make_workspace,
    new_workspace_id,
    once,
    reply_of,
    write,
)
from commands import accounts
from commands.copying import Wanted, copy_base
from commands.schema import check_slug, slug_from
from commands.system import System, new_id
from commands.unit import Outcome
from commands.write import Prepared, Render
from domain import base as bases
from domain import workspace as workspaces
from domain.access import Role
from domain.catalog import Base, Catalog, Member
from domain.errors import Invalid, NotFound
from domain.ids import BaseId, UserId, WorkspaceId
from projections import mine
from projections.query import MAX_LIMIT, Page
from projections.reader import allow

NO_STATEMENTS: Any = ()


async def _catalog(
    system: System, request: Request, workspace_id: str, role: Role = Role.viewer
) -> Catalog:
    found = await system.reader.ask(
        request.who,
        WorkspaceId(workspace_id),
        lambda _: NO_STATEMENTS,
        role=role,
        min_position=request.min_position,
    )
    return found.catalog


def page_of(request: Request, most: int = MAX_LIMIT) -> Page:
    query = request.query
    return read_page(
        query.get("limit"),
        query.get("offset"),
        query.get("page"),
        query.get("page_size"),
        most=most,
    )


def listed(request: Request, items: list[Any]) -> Reply:
    """A page of things that are in memory already."""
    page = page_of(request)
    shown = items[page.offset : page.offset + page.limit]
    return json_reply(present.page(shown, len(items), page.limit, page.offset))


# ------------------------------------------------------------- workspaces


async def list_workspaces(system: System, request: Request) -> Reply:
    page = page_of(request)
    found, total = await mine.workspaces(system.reader, request.who, page)
    shown = [present.joined(one) for one in found]
    return json_reply(present.page(shown, total, page.limit, page.offset))


async def create_workspace(system: System, request: Request) -> Reply:
    wanted = request.shape(shapes.CreateWorkspace)
    workspace_id = new_workspace_id(system, request)
    chosen = wanted.slug is not None
    command = workspaces.CreateWorkspace(
        workspace_id,
        wanted.name,
        check_slug(wanted.slug) if wanted.slug is not None else slug_from(wanted.name),
        chosen,
        wanted.description,
        UserId(request.who.user_id),
        new_id(),
    )

    def render(outcome: Outcome) -> Reply:
        shown = present.workspace(outcome.catalog, request.who.user_id)
        return committed(outcome, 201, orjson.dumps(shown), 1)

    return await make_workspace(
        system, request, workspace_id, Prepared([command], render)
    )


async def get_workspace(system: System, request: Request) -> Reply:
    catalog = await _catalog(system, request, request.id("id", "workspace"))
    return json_reply(
        present.workspace(catalog, request.who.user_id),
        headers={"etag": etag(catalog.live_workspace().version)},
    )


async def update_workspace(system: System, request: Request) -> Reply:
    workspace_id = WorkspaceId(request.id("id", "workspace"))
    wanted = request.shape(shapes.UpdateWorkspace)
    changes = given(wanted.model_dump(), wanted.model_fields_set)
    if changes.get("slug") is not None:
        check_slug(changes["slug"])
    no_nulls(changes, "name", "slug")

    def render(outcome: Outcome) -> Reply:
        shown = present.workspace(outcome.catalog, request.who.user_id)
        version = outcome.catalog.live_workspace().version
        return committed(outcome, 200, orjson.dumps(shown), version)

    command = workspaces.UpdateWorkspace(workspace_id, changes, request.if_match)
    return await write(
        system, request, workspace_id, Role.admin, lambda _: Prepared([command], render)
    )


async def delete_workspace(system: System, request: Request) -> Reply:
    workspace_id = WorkspaceId(request.id("id", "workspace"))
    command = workspaces.DeleteWorkspace(workspace_id, request.if_match)
    prepared = Prepared([command], lambda outcome: committed(outcome, 204, b""))
    return await write(system, request, workspace_id, Role.owner, lambda _: prepared)


def no_nulls(changes: dict[str, Any], *names: str) -> None:
    for name in names:
        if name in changes and changes[name] is None:
            raise Invalid(
                errors=[
                    {"loc": [name], "msg": "must not be null", "type": "value_error"}
                ]
            )


# ---------------------------------------------------------------- members


async def list_members(system: System, request: Request) -> Reply:
    catalog = await _catalog(system, request, request.id("id", "workspace"))
    live = [one for one in catalog.members.values() if not one.deleted]
    live.sort(key=lambda one: (one.created_at, one.id))
    people = await accounts.people(system.reader, [one.user_id for one in live])
    return json_reply([present.member(catalog.id, one, people) for one in live])


async def add_member(system: System, request: Request) -> Reply:
    workspace_id = WorkspaceId(request.id("id", "workspace"))
    wanted = request.shape(shapes.AddMember)
    # the right first: whether an address has an account is for admins to learn
    await system.reader.enter(request.who, workspace_id, Role.admin)
    user_id = await _user(system, wanted)
    people = await accounts.people(system.reader, [user_id])
    if user_id not in people:
        raise NotFound("User not found")
    member_id = new_id()

    def render(outcome: Outcome) -> Reply:
        made = outcome.catalog.members[UserId(user_id)]
        shown = present.member(workspace_id, made, people)
        return committed(outcome, 201, orjson.dumps(shown))

    command = workspaces.AddMember(member_id, UserId(user_id), wanted.role)
    return await write(
        system, request, workspace_id, Role.admin, lambda _: Prepared([command], render)
    )


async def _user(system: System, wanted: shapes.AddMember) -> str:
    if wanted.user_id is not None:
        return read_id(wanted.user_id, "user")
    if wanted.email is None:
        raise Invalid(
            errors=[{"loc": ["user_id"], "msg": "user_id or email", "type": "missing"}]
        )
    found = await accounts.user_by_email(system.reader, wanted.email)
    if found is None:
        raise NotFound("User not found")
    return found


async def update_member(system: System, request: Request) -> Reply:
    workspace_id = WorkspaceId(request.id("id", "workspace"))
    member_id = request.id("member_id", "member")
    wanted = request.shape(shapes.UpdateMember)
    catalog = await _catalog(system, request, workspace_id, Role.admin)
    user_id = _member(catalog, member_id).user_id
    people = await accounts.people(system.reader, [user_id])

    def render(outcome: Outcome) -> Reply:
        after = outcome.catalog.members[user_id]
        shown = present.member(workspace_id, after, people)
        return committed(outcome, 200, orjson.dumps(shown), after.version)

    command = workspaces.UpdateMember(user_id, wanted.role, request.if_match)
    return await write(
        system, request, workspace_id, Role.admin, lambda _: Prepared([command], render)
    )


async def delete_member(system: System, request: Request) -> Reply:
    """Removes a member: an admin does, or the member who leaves."""
    workspace_id = WorkspaceId(request.id("id", "workspace"))
    member_id = request.id("member_id", "member")

    def prepare(catalog: Catalog) -> Prepared:
        member = _member(catalog, member_id)
        leaving = member.user_id == request.who.user_id
        if not leaving:
            allow(catalog, request.who.user_id, Role.admin)
        command = (
            workspaces.LeaveWorkspace(request.if_match)
            if leaving
            else workspaces.RemoveMember(member.user_id, request.if_match)
        )
        return Prepared([command], lambda outcome: committed(outcome, 204, b""))

    return await write(system, request, workspace_id, Role.viewer, prepare)


def _member(catalog: Catalog, member_id: str) -> Member:
    """A membership, also one that has ended.  Raises NotFound."""
    for one in catalog.members.values():
        if one.id == member_id:
            return one
    raise NotFound("Member not found")


# ------------------------------------------------------------------ bases


def _shown(catalog: Catalog, one: Base) -> dict[str, Any]:
    return present.base(catalog.id, one, len(catalog.tables_of(one.id)))


async def list_bases(system: System, request: Request) -> Reply:
    workspace_id = request.query_id("workspace_id", "workspace")
    if workspace_id is None:
        page = page_of(request)
        found, total = await mine.bases(system.reader, request.who, page)
        shown = [present.base(one.workspace_id, one.base, one.tables) for one in found]
        return json_reply(present.page(shown, total, page.limit, page.offset))
    catalog = await _catalog(system, request, workspace_id)
    live = [one for one in catalog.bases.values() if not one.deleted]
    live.sort(key=lambda one: (one.created_at, one.id))
    return listed(request, [_shown(catalog, one) for one in live])


async def create_base(system: System, request: Request) -> Reply:
    wanted = request.shape(shapes.CreateBase)
    workspace_id = WorkspaceId(read_id(wanted.workspace_id, "workspace"))
    base_id = BaseId(new_id())
    command = bases.CreateBase(base_id, wanted.name, wanted.description, wanted.icon)
    return await write(
        system,
        request,
        workspace_id,
        Role.admin,
        lambda _: Prepared([command], _rendered(base_id, 201)),
    )


def _rendered(base_id: BaseId, status: int) -> Render:
    """Shows the base as it is right after the unit."""

    def render(outcome: Outcome) -> Reply:
        made = outcome.catalog.live_base(base_id)
        shown = orjson.dumps(_shown(outcome.catalog, made))
        return committed(outcome, status, shown, made.version)

    return render


async def get_base(system: System, request: Request) -> Reply:
    base_id = request.id("id", "base")
    workspace_id = await system.reader.find(request.who, "base", base_id)
    catalog = await _catalog(system, request, workspace_id)
    one = catalog.live_base(base_id)
    headers = {"etag": etag(one.version)}
    return json_reply(_shown(catalog, one), headers=headers)


async def update_base(system: System, request: Request) -> Reply:
    base_id = BaseId(request.id("id", "base"))
    wanted = request.shape(shapes.UpdateBase)
    changes = given(wanted.model_dump(), wanted.model_fields_set)
    no_nulls(changes, "name")
    workspace_id = await system.reader.find(request.who, "base", base_id)

    command = bases.UpdateBase(base_id, changes, request.if_match)
    return await write(
        system,
        request,
        workspace_id,
        Role.admin,
        lambda _: Prepared([command], _rendered(base_id, 200)),
    )


async def duplicate_base(system: System, request: Request) -> Reply:
    """A copy in the same workspace, with its records unless told otherwise."""
    source_id = request.id("id", "base")
    wanted = shapes.DuplicateBase()
    if request.body.strip():
        wanted = request.shape(shapes.DuplicateBase)
    workspace_id = await system.reader.find(request.who, "base", source_id)
    # the right first, and whether it is there: what is read is read by the copy
    (await _catalog(system, request, workspace_id, Role.admin)).live_base(source_id)
    base_id = BaseId(new_id())
    done = await copy_base(
        system,
        request.who,
        request.origin(),
        workspace_id,
        Wanted(source_id, wanted.name, wanted.with_records),
        base_id,
        _rendered(base_id, 201),
        once(request),
    )
    return reply_of(done)


async def delete_base(system: System, request: Request) -> Reply:
    base_id = BaseId(request.id("id", "base"))
    workspace_id = await system.reader.find(request.who, "base", base_id)
    command = bases.DeleteBase(base_id, request.if_match)

    prepared = Prepared([command], lambda outcome: committed(outcome, 204, b""))
    return await write(system, request, workspace_id, Role.admin, lambda _: prepared)
