"""The caller's own profile."""

from dataclasses import replace

import orjson

from api.accounts import change_profile, myself
from api.cms import present, shapes
from api.cms.accounts import check_username
from api.http import Reply, Request, json_reply
from commands.accounts import Account, is_picture
from commands.system import System
from domain.errors import Invalid
from projections import mine
from projections.query import Page


async def show_profile(system: System, request: Request) -> Reply:
    me = await myself(system, request)
    return json_reply(present.profile(me, await _workspace_id(system, request)))


async def update_profile(system: System, request: Request) -> Reply:
    """What is left out or null stays, but for the picture: null takes it away."""
    wanted = request.shape(shapes.UpdateProfile)
    check_username(wanted.username)
    known = await myself(system, request)
    workspace_id = await _workspace_id(system, request)
    after = replace(
        known,
        name=wanted.full_name or known.name,
        username=wanted.username or known.username,
    )
    if "avatar" in wanted.model_fields_set:
        after = replace(after, avatar=_picture(wanted.avatar))

    def show(account: Account) -> bytes:
        return orjson.dumps(present.profile(account, workspace_id))

    return await change_profile(system, request, known, after, show)


async def _workspace_id(system: System, request: Request) -> str | None:
    """The first of the caller's workspaces that is not deleted."""
    found, _ = await mine.workspaces(system.reader, request.who, Page(1))
    return found[0].workspace.id if found else None


def _picture(url: str | None) -> str | None:
    """Raises Invalid for what no browser would show."""
    if not url:
        return None
    if not is_picture(url):
        raise Invalid(
            "The avatar must be an absolute URL of http or https",
            errors=[{"loc": ["avatar"], "msg": "no URL", "type": "value_error"}],
        )
    return url
