"""Workspaces: the sites of the CMS."""

import orjson

from api.cms import present, shapes
from api.cms.seeing import body, looking_for
from api.http import Reply, Request, json_reply
from api.writing import committed, etag, make_workspace, new_workspace_id, write
from commands import accounts
from commands.schema import check_slug, slug_from
from commands.system import System, new_id
from commands.unit import Outcome
from commands.write import Prepared
from domain import workspace as workspaces
from domain.access import Role
from domain.ids import UserId, WorkspaceId
from projections import mine

MOST = 1_000  # of a list


async def create_workspace(system: System, request: Request) -> Reply:
    wanted = body(request, shapes.CreateWorkspace)
    chosen = wanted.slug is not None
    workspace_id = new_workspace_id(system, request)
    me = request.who.user_id
    people = await accounts.people(system.reader, [me])
    command = workspaces.CreateWorkspace(
        workspace_id,
        wanted.name,
        check_slug(wanted.slug) if wanted.slug is not None else slug_from(wanted.name),
        chosen,
        None,
        UserId(me),
        new_id(),
        wanted.status.lower(),
    )

    def render(outcome: Outcome) -> Reply:
        made = outcome.catalog.live_workspace()
        return committed(
            outcome, 201, orjson.dumps(present.workspace(made, people)), made.version
        )

    return await make_workspace(
        system, request, workspace_id, Prepared([command], render)
    )


async def list_workspaces(system: System, request: Request) -> Reply:
    """All of the caller's, newest first."""
    found = await mine.sites(system.reader, request.who, MOST)
    makers = sorted({one.workspace.owner_id for one in found})
    people = await accounts.people(system.reader, [*makers])
    return json_reply([present.listed_workspace(one, people) for one in found])


async def get_workspace(system: System, request: Request) -> Reply:
    workspace_id = WorkspaceId(request.id("id", "workspace"))
    with looking_for("Workspace"):
        found = await system.reader.ask(
            request.who,
            workspace_id,
            lambda _: (),
            min_position=request.min_position,
        )
    catalog = found.catalog
    owner = catalog.live_workspace().owner_id
    members = [one.user_id for one in catalog.members.values() if not one.deleted]
    people = await accounts.people(system.reader, sorted({owner, *members}))
    return json_reply(
        present.whole_workspace(catalog, people),
        headers={"etag": etag(catalog.live_workspace().version)},
    )


async def update_workspace(system: System, request: Request) -> Reply:
    workspace_id = WorkspaceId(request.id("id", "workspace"))
    wanted = body(request, shapes.UpdateWorkspace)
    changes = wanted.model_dump(exclude_none=True)
    if wanted.slug is not None:
        check_slug(wanted.slug)
    if wanted.status is not None:
        changes["status"] = wanted.status.lower()
    with looking_for("Workspace"):
        seen = await system.reader.enter(request.who, workspace_id, Role.admin)
        maker = seen.live_workspace().owner_id
        people = await accounts.people(system.reader, [maker])

        def render(outcome: Outcome) -> Reply:
            after = outcome.catalog.live_workspace()
            shown = orjson.dumps(present.workspace(after, people))
            return committed(outcome, 200, shown, after.version)

        command = workspaces.UpdateWorkspace(workspace_id, changes, request.if_match)
        prepared = Prepared([command], render)
        return await write(
            system, request, workspace_id, Role.admin, lambda _: prepared
        )


async def delete_workspace(system: System, request: Request) -> Reply:
    workspace_id = WorkspaceId(request.id("id", "workspace"))

    def render(outcome: Outcome) -> Reply:
        gone = outcome.catalog.workspace
        shown = present.deleted_workspace(gone) if gone is not None else {}
        return committed(outcome, 200, orjson.dumps(shown))

    command = workspaces.DeleteWorkspace(workspace_id, request.if_match)
    prepared = Prepared([command], render)
    with looking_for("Workspace"):
        return await write(
            system, request, workspace_id, Role.owner, lambda _: prepared
        )
