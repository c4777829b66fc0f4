"""Every operation of the contract is there; those that are to come answer 501.

The list can only shrink: an operation that is finished has to leave it, and none may
come in.
"""

import pytest

from tests.client import ABSENT

# the document's endpoints, without the WebSocket
CONTRACT = """
GET /health
POST /auth/register
POST /auth/login
POST /auth/refresh
POST /auth/logout
GET /users/me
PATCH /users/me
GET /users/me/api-keys
POST /users/me/api-keys
DELETE /users/me/api-keys/{id}
GET /workspaces
POST /workspaces
GET /workspaces/{id}
PATCH /workspaces/{id}
DELETE /workspaces/{id}
GET /workspaces/{id}/members
POST /workspaces/{id}/members
GET /bases
POST /bases
GET /bases/{id}
PATCH /bases/{id}
DELETE /bases/{id}
POST /bases/{id}/duplicate
GET /tables
POST /tables
GET /tables/{id}
PATCH /tables/{id}
DELETE /tables/{id}
GET /fields
POST /fields
GET /fields/{id}
PATCH /fields/{id}
DELETE /fields/{id}
POST /fields/reorder
GET /fields/{id}/constraint
GET /records
POST /records
GET /records/{id}
PATCH /records/{id}
DELETE /records/{id}
POST /records/batch
PATCH /records/batch
DELETE /records/batch
GET /views
POST /views
GET /views/{id}
PATCH /views/{id}
DELETE /views/{id}
POST /views/{id}/duplicate
POST /views/reorder
POST /views/{id}/data
POST /extraction/pdf
POST /extraction/dxf
POST /extraction/ifc
POST /extraction/step
POST /extraction/werk24
GET /extraction/jobs/{id}
POST /extraction/import/preview
POST /extraction/import/execute
GET /realtime/stats
GET /realtime/presence/{channel}
GET /realtime/presence/{channel}/focus
POST /realtime/broadcast/{channel}
GET /automations
POST /automations
GET /automations/{id}
PATCH /automations/{id}
DELETE /automations/{id}
POST /automations/{id}/actions
PATCH /automations/{id}/actions/{action_id}
DELETE /automations/{id}/actions/{action_id}
POST /automations/{id}/actions/reorder
POST /automations/{id}/trigger
POST /automations/{id}/pause
POST /automations/{id}/resume
GET /automations/{id}/runs
GET /automations/{id}/runs/{run_id}
GET /constraints
POST /constraints
GET /constraints/{id}
PATCH /constraints/{id}
DELETE /constraints/{id}
GET /webhooks
POST /webhooks
GET /webhooks/{id}
PATCH /webhooks/{id}
DELETE /webhooks/{id}
POST /webhooks/{id}/test
POST /webhooks/{id}/regenerate-token
POST /webhooks/incoming/{token}
"""

# what was promised beyond the document
BEYOND = """
GET /ready
GET /info
GET /metrics
GET /auth/me
POST /auth/change-password
PATCH /workspaces/{id}/members/{member_id}
DELETE /workspaces/{id}/members/{member_id}
GET /records/cursor
GET /records/export
POST /records/export
GET /views/default
GET /views/{id}/form
POST /views/{id}/form/submit
POST /views/{id}/submit
GET /events
GET /events/stream
GET /events/{id}
GET /events/{id}/causes
GET /events/{id}/effects
POST /tables/{id}/import
POST /attachments
GET /attachments/{id}
GET /attachments/{id}/content
GET /workspaces/{id}/tokens
POST /workspaces/{id}/tokens
DELETE /workspaces/{id}/tokens/{token_id}
GET /records/{id}/history
GET /records/{id}/blame
GET /tables/{id}/history
GET /fields/{id}/history
GET /tables/{id}/diff
GET /audit
POST /webhooks/{id}/rotate-secret
POST /webhooks/{id}/replay
GET /webhooks/{id}/deliveries
POST /batch
POST /undo
POST /redo
"""

UNFINISHED = """
POST /extraction/pdf
POST /extraction/dxf
POST /extraction/ifc
POST /extraction/step
POST /extraction/werk24
GET /extraction/jobs/{id}
POST /extraction/import/preview
POST /extraction/import/execute
GET /realtime/stats
GET /realtime/presence/{channel}
GET /realtime/presence/{channel}/focus
POST /realtime/broadcast/{channel}
GET /automations
POST /automations
GET /automations/{id}
PATCH /automations/{id}
DELETE /automations/{id}
POST /automations/{id}/actions
PATCH /automations/{id}/actions/{action_id}
DELETE /automations/{id}/actions/{action_id}
POST /automations/{id}/actions/reorder
POST /automations/{id}/trigger
POST /automations/{id}/pause
POST /automations/{id}/resume
GET /automations/{id}/runs
GET /automations/{id}/runs/{run_id}
"""


def lines(text):
    return text.split("\n")[1:-1]


def ask(caller, operation):
    """Calls an operation with ids of nothing and an empty body."""
    method, _, path = operation.partition(" ")
    parts = [ABSENT if part.startswith("{") else part for part in path.split("/")]
    body = b"{}" if method in ("POST", "PATCH") else b""
    return caller.request(method, "/".join(parts), content=body)


def test_the_contract_has_ninety_operations():
    assert len(lines(CONTRACT)) == len(set(lines(CONTRACT))) == 90


def test_what_is_unfinished_was_promised():
    assert set(lines(UNFINISHED)) <= {*lines(CONTRACT), *lines(BEYOND)}


def test_the_list_is_not_longer_than_it_was():
    assert len(lines(UNFINISHED)) <= 26


def test_every_operation_of_the_contract_has_a_route_and_none_is_unknown(server):
    rows = [f"{row.method} {row.path}" for row in server.doors.records.routes.rows]

    assert sorted(rows) == sorted([*lines(CONTRACT), *lines(BEYOND)])


def test_the_list_is_of_the_routes_that_are_planned(server):
    planned = [
        f"{row.method} {row.path}"
        for row in server.doors.records.routes.rows
        if row.planned
    ]

    assert sorted(planned) == sorted(lines(UNFINISHED))


@pytest.mark.parametrize("operation", lines(UNFINISHED))
def test_an_unfinished_operation_says_so(client, operation):
    reply = ask(client, operation)

    assert reply.status_code == 501
    assert reply.json() == {
        "detail": "This operation is documented and not available yet",
        "code": "NOT_IMPLEMENTED",
    }


@pytest.mark.parametrize(
    "operation",
    [
        one
        for one in lines(CONTRACT) + lines(BEYOND)
        if one not in lines(UNFINISHED) and one != "POST /auth/logout"
    ],
)
def test_a_finished_operation_does_not(client, operation):
    reply = ask(client, operation)

    assert reply.status_code in (200, 201, 400, 401, 404, 415, 422)


@pytest.mark.parametrize("operation", lines(UNFINISHED))
def test_an_unfinished_operation_is_nothing_for_nobody(anonymous, operation):
    assert ask(anonymous, operation).status_code == 401
