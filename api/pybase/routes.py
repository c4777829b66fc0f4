"""PyBase's routes: the whole document, a row an operation.

`role` states `resolutions` 13; a row without a handler answers 501.
"""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from api.metrics import Metrics
from api.pybase import feed, records, schemas, shapes, tables, workspaces
from api.pybase import operations as ops
from api.pybase.accounts import Accounts, me, update_me
from api.routes import Handler, Route
from domain.access import Role

VIEWER, EDITOR, ADMIN, OWNER = Role.viewer, Role.editor, Role.admin, Role.owner

PAGING = (
    ("limit", "integer", "Items on a page, 1 to 1,000; 100 unless told"),
    ("offset", "integer", "Items to pass over"),
    ("page", "integer", "The page's number, from 1: instead of offset"),
    ("page_size", "integer", "Items on a page: instead of limit"),
)
LIST = (
    ("table_id", "string", "The table"),
    ("filter", "string", "A filter, as JSON, in either dialect"),
    ("sort", "string", 'A JSON array of {"field", "direction"}'),
    *PAGING,
    ("by", "string", "`id`: values by field id too, as `data`"),
)
_BY_ID: tuple[tuple[str, str, str], ...] = (
    ("by", "string", "`id`: values by field id too"),
)

_READ = (400, 401, 403, 404, 422, 503)
_WRITE = (400, 401, 403, 404, 409, 412, 413, 415, 422, 423, 503)
_WRITE_FIELDS = (*_WRITE, 501)  # a documented type of fields that is to come


def _read(
    path: str,
    summary: str,
    handler: Handler | None,
    tag: str,
    response: Any = None,
    *,
    role: Role | None = VIEWER,
    query: Any = (),
) -> Route:
    return Route(
        "GET",
        path,
        summary,
        handler,
        tag,
        role=role,
        planned=handler is None,
        response=response,
        query=query,
        errors=_READ,
    )


def _write(
    method: str,
    path: str,
    summary: str,
    handler: Handler | None,
    tag: str,
    role: Role | None,
    *,
    status: int | None = None,
    body: type[BaseModel] | None = None,
    response: Any = None,
    query: Any = (),
    errors: Sequence[int] = _WRITE,
) -> Route:
    usual = {"POST": 201, "PATCH": 200, "DELETE": 204}[method]
    return Route(
        method,
        path,
        summary,
        handler,
        tag,
        role=role,
        planned=handler is None,
        status=status or usual,
        body=body,
        response=response,
        query=query,
        errors=errors,
    )


def _public(
    method: str,
    path: str,
    summary: str,
    handler: Handler | None,
    tag: str,
    *,
    status: int = 200,
    body: type[BaseModel] | None = None,
    response: Any = None,
) -> Route:
    return Route(
        method,
        path,
        summary,
        handler,
        tag,
        public=True,
        planned=handler is None,
        status=status,
        body=body,
        response=response,
        errors=(400, 401, 409, 413, 415, 422, 503) if body else (503,),
    )


def _planned(method: str, path: str, summary: str, tag: str, role: Role) -> Route:
    if method == "GET":
        return _read(path, summary, None, tag, role=role)
    return _write(method, path, summary, None, tag, role)


def _operations(metrics: Metrics) -> list[Route]:
    tag = "operations"
    text = ops.Exposition(metrics).metrics
    return [
        _public("GET", "/health", "Alive", ops.health, tag, response=schemas.HEALTH),
        _public("GET", "/ready", "Can serve", ops.ready, tag, response=schemas.ANY),
        _public("GET", "/info", "What this is", ops.info, tag, response=schemas.ANY),
        _public("GET", "/metrics", "Prometheus metrics", text, tag),
    ]


def _accounts(accounts: Accounts) -> list[Route]:
    signed_in = schemas.SIGNED_IN
    return [
        _public(
            "POST",
            "/auth/register",
            "Register a user",
            accounts.register,
            "auth",
            status=201,
            body=shapes.Register,
            response=signed_in,
        ),
        _public(
            "POST",
            "/auth/login",
            "Log in",
            accounts.login,
            "auth",
            body=shapes.Login,
            response=signed_in,
        ),
        _public(
            "POST",
            "/auth/refresh",
            "Trade a refresh token for new tokens",
            accounts.refresh,
            "auth",
            body=shapes.Refresh,
            response=schemas.TOKENS,
        ),
        _write(
            "POST", "/auth/logout", "Log out", accounts.logout, "auth", None, status=204
        ),
        _read("/auth/me", "The caller", me, "auth", schemas.USER, role=None),
        _write(
            "POST",
            "/auth/change-password",
            "Change the password",
            None,
            "auth",
            None,
            status=204,
        ),
        _read("/users/me", "The caller", me, "users", schemas.USER, role=None),
        _write(
            "PATCH",
            "/users/me",
            "Change the caller's name",
            update_me,
            "users",
            None,
            body=shapes.UpdateUser,
            response=schemas.USER,
        ),
        _read("/users/me/api-keys", "API keys", None, "users", role=None),
        _write("POST", "/users/me/api-keys", "Make an API key", None, "users", None),
        _write(
            "DELETE",
            "/users/me/api-keys/{id}",
            "Delete an API key",
            None,
            "users",
            None,
        ),
    ]


def _workspaces() -> list[Route]:
    w, one, tag = workspaces, schemas.WORKSPACE, "workspaces"
    return [
        _read(
            "/workspaces",
            "The caller's workspaces",
            w.list_workspaces,
            tag,
            schemas.page(one),
            role=None,
            query=PAGING,
        ),
        _write(
            "POST",
            "/workspaces",
            "Make a workspace",
            w.create_workspace,
            tag,
            None,
            body=shapes.CreateWorkspace,
            response=one,
        ),
        _read("/workspaces/{id}", "A workspace", w.get_workspace, tag, one),
        _write(
            "PATCH",
            "/workspaces/{id}",
            "Change a workspace",
            w.update_workspace,
            tag,
            ADMIN,
            body=shapes.UpdateWorkspace,
            response=one,
        ),
        _planned("DELETE", "/workspaces/{id}", "Delete a workspace", tag, OWNER),
        _read(
            "/workspaces/{id}/members",
            "Members",
            w.list_members,
            tag,
            schemas.array(schemas.MEMBER),
        ),
        _write(
            "POST",
            "/workspaces/{id}/members",
            "Add a member",
            w.add_member,
            tag,
            ADMIN,
            body=shapes.AddMember,
            response=schemas.MEMBER,
        ),
        _planned(
            "PATCH", "/workspaces/{id}/members/{member_id}", "Change a role", tag, ADMIN
        ),
        _planned(
            "DELETE",
            "/workspaces/{id}/members/{member_id}",
            "Remove a member",
            tag,
            ADMIN,
        ),
    ]


def _bases() -> list[Route]:
    w, one, tag = workspaces, schemas.BASE, "bases"
    query = (("workspace_id", "string", "One workspace's bases only"), *PAGING)
    return [
        _read(
            "/bases",
            "Bases",
            w.list_bases,
            tag,
            schemas.page(one),
            role=None,
            query=query,
        ),
        _write(
            "POST",
            "/bases",
            "Make a base",
            w.create_base,
            tag,
            ADMIN,
            body=shapes.CreateBase,
            response=one,
        ),
        _read("/bases/{id}", "A base", w.get_base, tag, one),
        _write(
            "PATCH",
            "/bases/{id}",
            "Change a base",
            w.update_base,
            tag,
            ADMIN,
            body=shapes.UpdateBase,
            response=one,
        ),
        _write(
            "DELETE",
            "/bases/{id}",
            "Delete a base with its tables",
            w.delete_base,
            tag,
            ADMIN,
        ),
        _planned("POST", "/bases/{id}/duplicate", "Duplicate a base", tag, ADMIN),
    ]


def _tables() -> list[Route]:
    t, one, tag = tables, schemas.TABLE, "tables"
    return [
        _read(
            "/tables",
            "Tables of a base",
            t.list_tables,
            tag,
            schemas.page(one),
            query=(("base_id", "string", "The base"), *PAGING),
        ),
        _write(
            "POST",
            "/tables",
            "Make a table, with fields",
            t.create_table,
            tag,
            ADMIN,
            body=shapes.CreateTable,
            response=one,
            errors=_WRITE_FIELDS,
        ),
        _read("/tables/{id}", "A table with its fields", t.get_table, tag, one),
        _write(
            "PATCH",
            "/tables/{id}",
            "Change a table",
            t.update_table,
            tag,
            ADMIN,
            body=shapes.UpdateTable,
            response=one,
        ),
        _write(
            "DELETE",
            "/tables/{id}",
            "Delete a table and the links to it",
            t.delete_table,
            tag,
            ADMIN,
        ),
    ]


def _fields() -> list[Route]:
    t, one, tag = tables, schemas.FIELD, "fields"
    return [
        _read(
            "/fields",
            "Fields of a table",
            t.list_fields,
            tag,
            schemas.page(one),
            query=(("table_id", "string", "The table"), *PAGING),
        ),
        _write(
            "POST",
            "/fields",
            "Make a field",
            t.make_field,
            tag,
            ADMIN,
            body=shapes.CreateField,
            response=one,
            errors=_WRITE_FIELDS,
        ),
        _planned("POST", "/fields/reorder", "Reorder fields", tag, ADMIN),
        _read("/fields/{id}", "A field", t.get_field, tag, one),
        _write(
            "PATCH",
            "/fields/{id}",
            "Change a field",
            t.update_field,
            tag,
            ADMIN,
            body=shapes.UpdateField,
            response=one,
            errors=_WRITE_FIELDS,
        ),
        _write("DELETE", "/fields/{id}", "Delete a field", t.delete_field, tag, ADMIN),
        _read(
            "/fields/{id}/constraint",
            "The field's unique constraint",
            t.constraint_of_field,
            tag,
            schemas.CONSTRAINT,
        ),
    ]


def _constraints() -> list[Route]:
    t, one, tag = tables, schemas.CONSTRAINT, "constraints"
    query = (
        ("table_id", "string", "Constraints of a table"),
        ("field_id", "string", "Constraints of a field"),
        *PAGING,
    )
    return [
        _read(
            "/constraints",
            "Unique constraints",
            t.list_constraints,
            tag,
            schemas.page(one),
            query=query,
        ),
        _write(
            "POST",
            "/constraints",
            "Make a unique constraint",
            t.create_constraint,
            tag,
            ADMIN,
            body=shapes.CreateConstraint,
            response=one,
        ),
        _read("/constraints/{id}", "A constraint", t.get_constraint, tag, one),
        _write(
            "PATCH",
            "/constraints/{id}",
            "Change, disable or enable a constraint",
            t.update_constraint,
            tag,
            ADMIN,
            body=shapes.UpdateConstraint,
            response=one,
        ),
        _write(
            "DELETE",
            "/constraints/{id}",
            "Delete a constraint",
            t.delete_constraint,
            tag,
            ADMIN,
        ),
    ]


def _records() -> list[Route]:
    r, one, tag = records, schemas.RECORD, "records"
    return [
        _read(
            "/records",
            "Records of a table",
            r.list_records,
            tag,
            schemas.page(one),
            query=LIST,
        ),
        _write(
            "POST",
            "/records",
            "Create a record",
            r.create_record,
            tag,
            EDITOR,
            body=shapes.CreateRecord,
            response=one,
        ),
        _write(
            "POST",
            "/records/batch",
            "Create records, all or none",
            r.create_records,
            tag,
            EDITOR,
            body=shapes.CreateRecords,
            response=schemas.batch(one),
        ),
        _write(
            "PATCH",
            "/records/batch",
            "Update records, all or none",
            r.update_records,
            tag,
            EDITOR,
            body=shapes.UpdateRecords,
            response=schemas.batch(one),
        ),
        _write(
            "DELETE",
            "/records/batch",
            "Delete records, all or none",
            r.delete_records,
            tag,
            EDITOR,
            body=shapes.DeleteRecords,
            query=(
                ("table_id", "string", "Where the body is stripped: the table"),
                ("record_ids", "string", "Where the body is stripped: ids, by commas"),
            ),
        ),
        _planned("GET", "/records/cursor", "Records by a cursor", tag, VIEWER),
        _planned("GET", "/records/export", "Export records", tag, VIEWER),
        _planned("POST", "/records/export", "Export records", tag, VIEWER),
        _read("/records/{id}", "A record", r.get_record, tag, one, query=_BY_ID),
        _write(
            "PATCH",
            "/records/{id}",
            "Change a record's fields",
            r.update_record,
            tag,
            EDITOR,
            body=shapes.UpdateRecord,
            response=one,
        ),
        _write(
            "DELETE", "/records/{id}", "Delete a record", r.delete_record, tag, EDITOR
        ),
    ]


def _feed() -> list[Route]:
    query = (
        ("workspace_id", "string", "The workspace"),
        ("after", "integer", "The position to go on from; 0 unless told"),
        ("limit", "integer", "Events on a page, 1 to 1,000; 500 unless told"),
        ("types", "string", "Names such as record.*, by commas"),
        ("table_id", "string", "Only what concerns this table"),
    )
    return [
        _read(
            "/events",
            "The workspace's events",
            feed.list_events,
            "events",
            schemas.EVENTS,
            query=query,
        )
    ]


# documented, and not there yet: (method, path, role)
_TO_COME: tuple[tuple[str, str, Role], ...] = (
    ("GET", "/views", VIEWER),
    ("POST", "/views", EDITOR),
    ("GET", "/views/default", VIEWER),
    ("POST", "/views/reorder", EDITOR),
    ("GET", "/views/{id}", VIEWER),
    ("PATCH", "/views/{id}", EDITOR),
    ("DELETE", "/views/{id}", EDITOR),
    ("POST", "/views/{id}/duplicate", EDITOR),
    ("POST", "/views/{id}/data", VIEWER),
    ("GET", "/views/{id}/form", VIEWER),
    ("POST", "/views/{id}/form/submit", EDITOR),
    ("POST", "/views/{id}/submit", EDITOR),
    ("POST", "/extraction/pdf", EDITOR),
    ("POST", "/extraction/dxf", EDITOR),
    ("POST", "/extraction/ifc", EDITOR),
    ("POST", "/extraction/step", EDITOR),
    ("POST", "/extraction/werk24", EDITOR),
    ("GET", "/extraction/jobs/{id}", VIEWER),
    ("POST", "/extraction/import/preview", EDITOR),
    ("POST", "/extraction/import/execute", EDITOR),
    ("GET", "/realtime/stats", VIEWER),
    ("GET", "/realtime/presence/{channel}", VIEWER),
    ("GET", "/realtime/presence/{channel}/focus", VIEWER),
    ("POST", "/realtime/broadcast/{channel}", EDITOR),
    ("GET", "/automations", VIEWER),
    ("POST", "/automations", ADMIN),
    ("GET", "/automations/{id}", VIEWER),
    ("PATCH", "/automations/{id}", ADMIN),
    ("DELETE", "/automations/{id}", ADMIN),
    ("POST", "/automations/{id}/actions", ADMIN),
    ("PATCH", "/automations/{id}/actions/{action_id}", ADMIN),
    ("DELETE", "/automations/{id}/actions/{action_id}", ADMIN),
    ("POST", "/automations/{id}/actions/reorder", ADMIN),
    ("POST", "/automations/{id}/trigger", EDITOR),
    ("POST", "/automations/{id}/pause", ADMIN),
    ("POST", "/automations/{id}/resume", ADMIN),
    ("GET", "/automations/{id}/runs", VIEWER),
    ("GET", "/automations/{id}/runs/{run_id}", VIEWER),
    ("GET", "/webhooks", VIEWER),
    ("POST", "/webhooks", ADMIN),
    ("GET", "/webhooks/{id}", VIEWER),
    ("PATCH", "/webhooks/{id}", ADMIN),
    ("DELETE", "/webhooks/{id}", ADMIN),
    ("POST", "/webhooks/{id}/test", ADMIN),
    ("POST", "/webhooks/{id}/regenerate-token", ADMIN),
)


def _to_come() -> list[Route]:
    rows = [
        _planned(method, path, "To come", path.split("/")[1], role)
        for method, path, role in _TO_COME
    ]
    incoming = _public(
        "POST", "/webhooks/incoming/{token}", "Receive a webhook", None, "webhooks"
    )
    return [*rows, incoming]


def pybase_routes(accounts: Accounts, metrics: Metrics) -> list[Route]:
    return [
        *_records(),
        *_operations(metrics),
        *_accounts(accounts),
        *_workspaces(),
        *_bases(),
        *_tables(),
        *_fields(),
        *_constraints(),
        *_feed(),
        *_to_come(),
    ]
