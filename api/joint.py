"""Operations of one surface, found in its table of routes and committed as one unit.

Each is a request as it would be alone: the same row, scopes, handler, roles, checks
and reply.  Which rows may join is said by the row (`Route.joins`).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from api.door import MethodNotAllowed
from api.http import Request
from api.references import References
from api.routes import Handler, Route, Routes
from api.scopes import check_scope
from commands.joining import Joint, NotJoinable
from commands.parts import PartRefused
from commands.records import check_size
from commands.system import System
from commands.unit import Done, Once, Reply
from commands.write import Prepared, Render, write_slowly
from domain.access import Role
from domain.catalog import Catalog
from domain.errors import (
    BatchTooLarge,
    DomainError,
    Invalid,
    Malformed,
    NotFound,
    NotImplementedYet,
)
from domain.ids import WorkspaceId

_AT_ONCE = 50  # operations that are prepared before others have their turn


@dataclass(frozen=True, slots=True)
class Operation:
    """`path` has a query behind it; `body` is JSON, None where there is none."""

    method: str
    path: str
    body: Any
    ref: str | None


async def commit(
    system: System,
    request: Request,
    routes: Routes,
    workspace_id: WorkspaceId,
    operations: Sequence[Operation],
    render: Render,
    once: Once | None,
) -> Done:
    """Commits the operations in their order, all or none.

    Raises DomainError: the refusal of the first operation that is refused, with its
    `index`; `item_index` is the place within an operation that is a batch itself.
    """
    check_size(len(operations), system.settings.batch_limit)
    names = _names(operations)
    has_dollar = b"$" in request.body or b"\\u0024" in request.body
    attempts: list[_Attempt] = []

    async def prepare(catalog: Catalog) -> Prepared:
        references = References(names, stand_in_bodies=has_dollar)
        attempt = _Attempt(system, request, routes, catalog, references)
        attempts.append(attempt)
        await attempt.take(operations)
        return attempt.joint.prepared(render)

    try:
        return await write_slowly(
            system,
            request.who,
            request.origin(),
            workspace_id,
            Role.editor,
            prepare,
            once,
        )
    except PartRefused as refused:
        raise await attempts[-1].told(refused) from refused


def _names(operations: Sequence[Operation]) -> dict[str, int]:
    names: dict[str, int] = {}
    for index, one in enumerate(operations):
        if one.ref is not None and one.ref in names:
            raise Invalid("Another operation has the same ref", index=index)
        if one.ref is not None:
            names[one.ref] = index
    return names


class _Attempt:
    """The operations prepared on one catalogue."""

    def __init__(
        self,
        system: System,
        request: Request,
        routes: Routes,
        catalog: Catalog,
        references: References,
    ) -> None:
        self.joint = Joint(system, request.origin(), catalog)
        self._request, self._routes = request, routes
        self._references = references
        self._limit = system.settings.batch_limit
        self._taken: list[tuple[Handler, Request]] = []

    async def take(self, operations: Sequence[Operation]) -> None:
        for index, operation in enumerate(operations):
            try:
                await self._take(operation)
                if self.joint.size > self._limit:
                    raise BatchTooLarge(
                        f"A batch has at most {self._limit} records", limit=self._limit
                    )
            except DomainError as error:
                raise _at(index, error) from error.__cause__
            if index % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)

    async def _take(self, operation: Operation) -> None:
        path, _, query = self._references.in_path(operation.path).partition("?")
        path = _decoded(path)
        route, handler, values = self._route(operation.method, path)
        check_scope(route, self._request.who)
        body = self._references.in_body(operation.body)
        request = self._request.operation(
            operation.method, path, values, query.encode(), body
        )
        self._taken.append((handler, request))
        reply = await handler(self.joint.system, request)
        if not isinstance(reply, Reply):
            raise NotJoinable()
        first = self.joint.take(reply)
        if operation.ref is not None:
            self._references.made[operation.ref] = first if route.makes_one else None

    def _route(self, method: str, path: str) -> tuple[Route, Handler, dict[str, str]]:
        methods, values = self._routes.find(path)
        if not methods or not path.startswith("/"):
            raise NotFound("There is no such path")
        route = methods.get(method)
        if route is None:
            raise MethodNotAllowed()
        if route.planned or route.handler is None:
            raise NotImplementedYet()
        if not route.joins:
            raise NotJoinable()
        return route, route.handler, values

    async def told(self, refused: PartRefused) -> DomainError:
        """A refusal at the commit, as the operation's handler tells it."""
        self.joint.back_to(refused.part, refused.reason)
        handler, request = self._taken[refused.part]
        try:
            await handler(self.joint.system, request)
        except DomainError as error:
            return _at(refused.part, error)
        return _at(refused.part, refused.reason)


def _decoded(path: str) -> str:
    try:
        return unquote(path, errors="strict")
    except UnicodeDecodeError as error:
        raise Malformed("The path cannot be read") from error


def _at(index: int, error: DomainError) -> DomainError:
    """The refusal of the operation at a place."""
    extra = dict(error.extra)
    if "index" in extra:
        extra["item_index"] = extra["index"]
    error.extra = {**extra, "index": index}
    return error
