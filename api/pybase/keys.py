"""The caller's API keys."""

from datetime import datetime
from typing import Any

import orjson

from api.http import Reply, Request, json_reply
from api.pybase import shapes
from api.writing import committed, once, reply_of
from commands import api_keys
from commands.api_keys import SCOPES, SHOWN, ApiKey
from commands.system import System, new_id, now, time_text
from commands.unit import Outcome
from commands.write import Prepared, submit_to_instance
from domain.errors import Forbidden, Invalid
from domain.ids import UserId
from domain.key import CreateKey, DeleteKey
from domain.values import BadValue, parse_datetime


async def list_keys(system: System, request: Request) -> Reply:
    found = await api_keys.keys_of(system.reader, request.who)
    return json_reply([_shown(one) for one in found])


async def create_key(system: System, request: Request) -> Reply:
    """Answers the key itself; nothing else ever does."""
    wanted = request.shape(shapes.CreateApiKey)
    user_id = UserId(request.who.user_id)
    scopes = tuple(dict.fromkeys(SCOPES if wanted.scopes is None else wanted.scopes))
    expires_at = read_end(wanted.expires_at)
    if request.who.scopes is not None:
        await _check_offspring(system, request, scopes, expires_at)
    secret = api_keys.make_secret()
    key = ApiKey(
        new_id(),
        wanted.name,
        secret[:SHOWN],
        scopes,
        time_text(now()),
        expires_at,
        None,
        True,
    )

    def render(outcome: Outcome) -> Reply:
        return committed(outcome, 201, orjson.dumps({**_shown(key), "key": secret}), 1)

    done = await submit_to_instance(
        system,
        request.origin(),
        Prepared(
            [CreateKey(key.id, user_id, scopes, expires_at)],
            render,
            vault=api_keys.new_key(key, user_id, secret),
        ),
        once(request, secret_id=key.id),
    )
    return reply_of(done)


async def delete_key(system: System, request: Request) -> Reply:
    key_id = request.id("id", "API key")
    user_id = UserId(request.who.user_id)
    done = await submit_to_instance(
        system,
        request.origin(),
        Prepared(
            [DeleteKey(key_id, user_id, request.if_match)],
            lambda outcome: committed(outcome, 204, b""),
            vault=api_keys.forget_key(key_id, user_id),
        ),
        once(request),
    )
    return reply_of(done)


async def _check_offspring(
    system: System, request: Request, scopes: tuple[str, ...], expires_at: str | None
) -> None:
    """A key makes none that may do more than itself, or does it for longer."""
    own = await api_keys.keys_of(system.reader, request.who)
    end = next((k.expires_at for k in own if k.id == request.who.session_id), None)
    if not set(scopes) <= (request.who.scopes or set()):
        raise Forbidden("A key makes no key with scopes that it does not have")
    if end is not None and (expires_at is None or expires_at > end):
        raise Forbidden("A key makes no key that outlives it")


def read_end(text: str | None) -> str | None:
    """A time to come, as `time_text` spells it.  Raises Invalid."""
    if text is None:
        return None
    try:
        moment: datetime = parse_datetime(text)
    except BadValue as error:
        raise _wrong_end(str(error)) from error
    if moment.timestamp() <= now():
        raise _wrong_end("must be in the future")
    return time_text(moment.timestamp())


def _wrong_end(message: str) -> Invalid:
    return Invalid(
        errors=[{"loc": ["expires_at"], "msg": message, "type": "value_error"}]
    )


def _shown(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "key_prefix": key.key_prefix,
        "scopes": list(key.scopes),
        "is_active": key.alive,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "created_at": key.created_at,
    }
