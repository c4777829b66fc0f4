"""What every surface's writes have in common: keys, headers, replies."""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any, TypeAlias

import orjson

from api.http import Reply, Request
from commands import write as writes
from commands.parts import PartRefused
from commands.system import System, new_id
from commands.unit import Done, Once, Outcome
from commands.write import Prepare, Prepared, PrepareSlowly
from domain.access import Role
from domain.catalog import Catalog
from domain.errors import VersionMismatch
from domain.ids import WorkspaceId, uuid_text
from projections.log import SINCE, Envelope
from projections.reader import Rows

Body: TypeAlias = Callable[[Outcome], bytes]


def etag(version: int) -> str:
    """A stream's version as the reply's `ETag` has it."""
    return f'"v{version}"'


def once(request: Request, secret_id: str | None = None) -> Once | None:
    """The request's idempotency key, if it has one."""
    key = request.idempotency_key
    return Once(key, request.fingerprint, secret_id) if key is not None else None


def once_with_password(
    system: System, request: Request, secret_id: str | None = None
) -> Once | None:
    """The same of a body with a password or the like: the fingerprint that is stored
    must not help to guess it, so it takes the server's key to make."""
    found = once(request, secret_id)
    if found is None:
        return None
    key = system.settings.secret_key.get_secret_value().encode()
    return replace(found, fingerprint=hmac.digest(key, found.fingerprint, sha256))


def new_workspace_id(system: System, request: Request) -> WorkspaceId:
    """A new id; with an idempotency key the one that its repetition gets too, so that
    the key is found in the ledger that it was used in."""
    key = request.idempotency_key
    if key is None:
        return WorkspaceId(new_id())
    secret = system.settings.secret_key.get_secret_value().encode()
    text = f"workspace\0{request.who.user_id}\0{key}"
    number = int.from_bytes(hmac.digest(secret, text.encode(), sha256)[:16])
    fixed = number & ~(0xF << 76) & ~(3 << 62) | 8 << 76 | 2 << 62
    return WorkspaceId(uuid_text(fixed))


def committed(
    outcome: Outcome, status: int, body: bytes, version: int | None = None
) -> Reply:
    headers = {"x-position": str(outcome.position), "x-batch-id": outcome.batch_id}
    if version is not None:
        headers["etag"] = etag(version)
    return Reply(status, body, headers)


def reply_of(done: Done) -> Reply:
    """A unit's reply; the first reply of a key says that it is one."""
    if not done.replayed:
        return done.reply
    headers = {**done.reply.headers, "idempotency-replayed": "true"}
    return Reply(done.reply.status, done.reply.body, headers)


async def make_workspace(
    system: System, request: Request, workspace_id: WorkspaceId, prepared: Prepared
) -> Reply:
    """Commits what makes a workspace: there is nothing yet that it could be prepared
    against."""
    done = await writes.submit(
        system,
        request.origin(),
        workspace_id,
        prepared,
        once(request),
        makes_workspace=True,
    )
    return reply_of(done)


async def write(
    system: System,
    request: Request,
    workspace_id: WorkspaceId,
    role: Role,
    prepare: Prepare,
) -> Reply:
    """Commits what a handler prepares; a stale `If-Match` is told what came since."""

    async def at_once(catalog: Catalog) -> Prepared:
        return prepare(catalog)

    kept = once(request)
    return await write_slowly(system, request, workspace_id, role, at_once, kept)


async def write_slowly(
    system: System,
    request: Request,
    workspace_id: WorkspaceId,
    role: Role,
    prepare: PrepareSlowly,
    kept: Once | None,
) -> Reply:
    """The same of what is not prepared at once; `kept`: as which the reply is."""
    try:
        done = await _whole(
            writes.write_slowly(
                system,
                request.who,
                request.origin(),
                workspace_id,
                role,
                prepare,
                kept,
            )
        )
    except VersionMismatch as error:
        raise await _with_changes(system, request, workspace_id, error) from None
    return reply_of(done)


async def _whole(writing: Awaitable[Done]) -> Done:
    """A request's write is one to its caller, in however many parts it is decided."""
    try:
        return await writing
    except PartRefused as refused:
        raise refused.reason from refused


async def _with_changes(
    system: System, request: Request, workspace_id: WorkspaceId, error: VersionMismatch
) -> VersionMismatch:
    path = request.path
    stream = error.extra.get("record_id") or path.get("member_id") or path.get("id")
    if stream is None or request.if_match is None:
        return error
    found = await system.reader.ask(
        request.who,
        workspace_id,
        lambda _: [
            (
                SINCE,
                {
                    "workspace_id": workspace_id,
                    "stream": stream,
                    "version": request.if_match,
                },
            )
        ],
    )
    changes = _since(found.results[0])
    return VersionMismatch(error.detail, **{**error.extra, "changes": changes})


def _since(rows: Rows) -> list[Any]:
    return [
        {
            "position": one.seq,
            "version": one.version,
            "type": one.type,
            "at": one.recorded_at,
            "actor": {"kind": one.actor_kind, "id": one.actor_id},
            "data": orjson.loads(one.data),
        }
        for one in (Envelope(*row) for row in rows)
    ]


def given(values: Mapping[str, Any], named: set[str]) -> dict[str, Any]:
    """Of a body's values those that the client named: null is not absent."""
    return {name: value for name, value in values.items() if name in named}
