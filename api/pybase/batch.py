"""POST /batch: operations of all kinds, all or none."""

from collections.abc import Sequence
from typing import Any

import orjson

from api import joint
from api.http import Reply, Request, read_id, read_shape
from api.joint import Operation
from api.pybase import shapes
from api.routes import Routes
from api.writing import committed, once, reply_of
from commands.system import System
from commands.unit import Outcome
from domain.errors import Invalid
from domain.ids import WorkspaceId


class Batch:
    """The operations of `routes`, itself among them: that one it refuses by name."""

    def __init__(self) -> None:
        self.routes = Routes(())

    async def commit(self, system: System, request: Request) -> Reply:
        workspace_id, operations = _wanted(request)

        def render(outcome: Outcome) -> Reply:
            return committed(outcome, 200, _body(outcome, operations))

        done = await joint.commit(
            system,
            request,
            self.routes,
            workspace_id,
            operations,
            render,
            once(request),
        )
        return reply_of(done)


def _wanted(request: Request) -> tuple[WorkspaceId, list[Operation]]:
    """Raises Invalid, with the `index` of the first operation that is none."""
    body = request.object
    given, workspace_id = body.get("operations"), body.get("workspace_id")
    if not isinstance(given, list) or not isinstance(workspace_id, str):
        request.shape(shapes.CommitBatch)
        raise Invalid()
    operations = []
    for index, one in enumerate(given):
        try:
            operations.append(_operation(one))
        except Invalid as error:
            raise error.with_extra(index=index) from None
    return WorkspaceId(read_id(workspace_id, "workspace")), operations


def _operation(given: Any) -> Operation:
    if not isinstance(given, dict):
        raise Invalid("An operation must be an object")
    one = read_shape(given, shapes.Operation)
    return Operation(one.method, one.path, one.body, one.ref)


def _body(outcome: Outcome, operations: Sequence[Operation]) -> bytes:
    results = b",".join(
        b'{"index":%d,"ref":%b,"status":%d,"body":%b}'
        % (index, orjson.dumps(one.ref), reply.status, reply.body or b"null")
        for index, (one, reply) in enumerate(
            zip(operations, outcome.replies, strict=True)
        )
    )
    return b'{"batch_id":"%b","position":%d,"results":[%b]}' % (
        outcome.batch_id.encode(),
        outcome.position,
        results,
    )
