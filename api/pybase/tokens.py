"""Access tokens of a workspace: made and revoked here, used at Table REST.

An API key makes none, and revokes some with the scope `admin` alone.
"""

from typing import Any

import orjson

from api.http import Reply, Request, json_reply, read_id
from api.pybase import shapes
from api.pybase.keys import read_end
from api.writing import committed, once, reply_of
from commands import access_tokens
from commands.access_tokens import AccessToken
from commands.system import System, new_id, now, time_text
from commands.unit import Outcome
from commands.write import Prepared, write
from domain.access import Role, may
from domain.errors import Forbidden
from domain.ids import UserId, WorkspaceId
from domain.token import CreateToken, RevokeToken


async def list_tokens(system: System, request: Request) -> Reply:
    workspace_id = WorkspaceId(request.id("id", "workspace"))
    found = await system.reader.ask(
        request.who,
        workspace_id,
        lambda _: (),
        min_position=request.min_position,
    )
    me = request.who.user_id
    everybody = may(found.catalog.role_of(me), Role.admin)
    tokens = await access_tokens.tokens_of(
        system.reader, workspace_id, None if everybody else me
    )
    return json_reply([_shown(one) for one in tokens])


async def create_token(system: System, request: Request) -> Reply:
    """Answers the token itself; nothing else ever does."""
    workspace_id = WorkspaceId(request.id("id", "workspace"))
    wanted = shapes.CreateAccessToken()
    if request.body.strip():
        wanted = request.shape(shapes.CreateAccessToken)
    if request.who.scopes is not None:
        raise Forbidden("An API key makes no access token")
    user_id = UserId(request.who.user_id)
    if wanted.user_id is not None:
        user_id = UserId(read_id(wanted.user_id, "user"))
    expires_at = read_end(wanted.expires_at)
    key, secret = access_tokens.new_token(
        new_id(), wanted.name, time_text(now()), expires_at
    )

    def render(outcome: Outcome) -> Reply:
        body = {**_shown(AccessToken(user_id, key)), "token": secret}
        return committed(outcome, 201, orjson.dumps(body), 1)

    prepared = Prepared(
        [CreateToken(key.id, user_id, expires_at)],
        render,
        vault=access_tokens.stored(key, user_id, secret, workspace_id),
    )
    done = await write(
        system,
        request.who,
        request.origin(),
        workspace_id,
        Role.viewer,
        lambda _: prepared,
        once(request, secret_id=key.id),
    )
    return reply_of(done)


async def revoke_token(system: System, request: Request) -> Reply:
    workspace_id = WorkspaceId(request.id("id", "workspace"))
    token_id = request.id("token_id", "access token")
    if request.who.scopes is not None and "admin" not in request.who.scopes:
        raise Forbidden("The API key's scopes do not allow this")
    prepared = Prepared(
        [RevokeToken(token_id, request.if_match)],
        lambda outcome: committed(outcome, 204, b""),
        vault=access_tokens.forget(token_id, workspace_id),
    )
    done = await write(
        system,
        request.who,
        request.origin(),
        workspace_id,
        Role.viewer,
        lambda _: prepared,
        once(request),
    )
    return reply_of(done)


def _shown(one: AccessToken) -> dict[str, Any]:
    key = one.key
    return {
        "id": key.id,
        "user_id": one.user_id,
        "name": key.name,
        "token_prefix": key.key_prefix,
        "is_active": key.alive,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "created_at": key.created_at,
    }
