"""How PyBase shows things.  A record is bytes: made by the database for reads
(`projections.records.output`) and here for the reply of a write; both are the same."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

import orjson

from commands.accounts import Account
from domain.access import Role
from domain.catalog import (
    Base,
    Catalog,
    Constraint,
    Field,
    Member,
    Table,
    View,
    Workspace,
)
from domain.computed import shown_options
from domain.constraint import SHARED, told
from domain.errors import Code
from domain.layout import FormField
from domain.values import Value, as_kept
from domain.view import default_view
from projections.mine import Joined
from projections.query import Page
from projections.views import working


def user(account: Account) -> dict[str, Any]:
    return {
        "id": account.user_id,
        "email": account.email,
        "name": account.name,
        "avatar_url": account.avatar,
        "is_active": True,
        "is_verified": account.email_verified,
        "created_at": account.created_at,
    }


def workspace(catalog: Catalog, user_id: str) -> dict[str, Any]:
    members = sum(not one.deleted for one in catalog.members.values())
    return _workspace(
        catalog.live_workspace(), catalog.owner_id, members, catalog.role_of(user_id)
    )


def joined(one: Joined) -> dict[str, Any]:
    return _workspace(one.workspace, one.owner_id, one.members, one.role)


def _workspace(
    one: Workspace, owner_id: str, members: int, role: Role | None
) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "slug": one.slug,
        "description": one.description,
        "owner_id": owner_id,
        "members_count": members,
        "role": role.name if role else None,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
    }


def member(
    workspace_id: str, one: Member, people: Mapping[str, tuple[str, str]]
) -> dict[str, Any]:
    email, name = people.get(one.user_id, ("", ""))
    return {
        "id": one.id,
        "workspace_id": workspace_id,
        "user": {"id": one.user_id, "email": email, "name": name, "full_name": name},
        "role": one.role.name,
        "created_at": one.created_at,
    }


def base(workspace_id: str, one: Base, tables: int) -> dict[str, Any]:
    return {
        "id": one.id,
        "workspace_id": workspace_id,
        "name": one.name,
        "description": one.description,
        "icon": one.icon,
        "db_name": one.db_name,
        "tables_count": tables,
        "created_by": one.created_by,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
    }


def table(one: Table, *, with_fields: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": one.id,
        "base_id": one.base_id,
        "name": one.name,
        "slug": one.slug,
        "description": one.description,
        "primary_field_id": one.primary.id if one.primary else None,
        "position": one.position,
        "created_by": one.created_by,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
    }
    if with_fields:
        shown["fields"] = [field(one, item) for item in one.fields]
    return shown


def field(owner: Table, one: Field) -> dict[str, Any]:
    """`computes` is there where the server computes a value from others: false says
    that it does not yet, and that records show null."""
    constraint = owner.constraint_of(one.id)
    shown = {
        "id": one.id,
        "table_id": one.table_id,
        "name": one.name,
        "api_name": one.api_name,
        "type": one.type,
        "field_type": one.type,
        "options": sorted_keys(shown_options(one, owner)),
        "required": one.required,
        "is_required": one.required,
        "is_unique": constraint is not None and constraint.status == "active",
        "is_primary": owner.primary is not None and owner.primary.id == one.id,
        "is_computed": not one.kind.writable,
        "description": one.description,
        "position": one.position,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
    }
    return {**shown, "computes": False} if one.kind.computed else shown


def sorted_keys(value: Any) -> Any:
    """The keys of objects in one order: a catalogue that was loaded and one that was
    folded from its events are shown in the same bytes."""
    if isinstance(value, Mapping):
        return {name: sorted_keys(value[name]) for name in sorted(value)}
    if isinstance(value, list | tuple):
        return [sorted_keys(one) for one in value]
    return value


def constraint(owner: Table, one: Constraint) -> dict[str, Any]:
    """`error`: why a constraint that was pending did not become active."""
    return {
        "id": one.id,
        "field_id": one.field_id,
        "table_id": one.table_id,
        "case_sensitive": one.case_sensitive,
        "status": one.status,
        "error_message": one.error_message,
        "error": _failure(owner, one),
        "created_by": one.created_by,
        "created_at": one.created_at,
    }


def _failure(owner: Table, one: Constraint) -> dict[str, Any] | None:
    """As the refusal of a constraint over a small table; values of a field that has
    another type since are left out."""
    if one.failure is None:
        return None
    target = owner.all_fields[one.field_id]
    same = target.type == one.failure["type"]
    examples: Any = one.failure["examples"]
    return {
        "detail": SHARED,
        "code": Code.DUPLICATE_VALUE,
        "field": target.name,
        "examples": [
            {**each, "value": told(target, each["value"]) if same else None}
            for each in examples
        ],
    }


def view(owner: Table, one: View) -> dict[str, Any]:
    """A view as it works today, in today's names; what it does without beside it."""
    now = working(one, owner)
    return {
        "id": one.id,
        "table_id": one.table_id,
        "name": one.name,
        "type": one.type,
        "view_type": one.type,
        "config": now.config,
        "type_config": now.config,
        "filters": now.shown_filters,
        "sorts": now.shown_sorts,
        "unusable": [
            {"place": part.place, "value": part.value, "reason": part.reason}
            for part in now.unusable
        ],
        "is_default": default_view(owner).id == one.id,
        "position": one.position,
        "created_by": one.created_by,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
    }


def form(one: View, owner: Table, asked: Sequence[FormField]) -> dict[str, Any]:
    fields = [
        {
            **field(owner, item.field),
            "required": item.required,
            "is_required": item.required,
            "label": item.label,
        }
        for item in asked
    ]
    return {
        "view_id": one.id,
        "table_id": one.table_id,
        "name": one.name,
        "submit_text": one.config.get("submit_text"),
        "fields": fields,
    }


class RecordText:
    """Makes the JSON of one table's records: keys are encoded once."""

    def __init__(self, one: Table) -> None:
        keys = b",".join(
            orjson.dumps(item.name).replace(b"%", b"%%") + b":%b" for item in one.fields
        )
        self._text = (
            b'{"id":"%%b","table_id":"%b","fields":{%b},"version":%%d,'
            b'"created_by_id":"%%b","last_modified_by_id":"%%b",'
            b'"created_at":"%%b","updated_at":"%%b"}'
        ) % (one.id.encode(), keys)
        self._fields = [(item.id, shower(item)) for item in one.fields]

    def __call__(
        self,
        record_id: str,
        number: int,
        values: Mapping[str, Value],
        version: int,
        created: tuple[str, str],
        updated: tuple[str, str],
    ) -> bytes:
        """`created` and `updated` are (at, by)."""
        get = values.get
        return self._text % (
            record_id.encode(),
            *[show(get(field_id), number) for field_id, show in self._fields],
            version,
            created[1].encode(),
            updated[1].encode(),
            created[0].encode(),
            updated[0].encode(),
        )


@lru_cache(maxsize=256)
def _record_text(holder: "_Holder") -> RecordText:
    return RecordText(holder.table)


class _Holder:
    """Carries a table past the cache, where its fields are the key: a schema that was
    never committed may have had the position of another one."""

    __slots__ = ("table",)

    def __init__(self, one: Table) -> None:
        self.table = one

    def __hash__(self) -> int:
        return id(self.table.all_fields)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _Holder)
            and other.table.all_fields is self.table.all_fields
            and other.table.id == self.table.id
        )


def record_text(one: Table) -> RecordText:
    return _record_text(_Holder(one))


def shower(item: Field) -> Callable[[Any, int], bytes]:
    """A function (kept value, row number) -> JSON text."""
    match item.type:
        case "checkbox":
            return lambda value, _: b"true" if value else b"false"
        case "single_select":
            names = {key: orjson.dumps(name) for key, name in item.choice_names.items()}
            return lambda value, _: names.get(value, b"null")
        case "autonumber":
            prefix = str(item.option("prefix", ""))
            if prefix:
                return lambda _, number: orjson.dumps(f"{prefix}{number}")
            return lambda _, number: b"%d" % number
        case _ if item.column in ("numeric", "integer") or item.kind.as_text:
            return lambda value, _: b"null" if value is None else value.encode()
        case _:
            return _shower_of_column(item)


def _shower_of_column(item: Field) -> Callable[[Any, int], bytes]:
    show = item.kind.show
    if show is as_kept:
        return lambda value, _: orjson.dumps(value)
    return lambda value, _: (
        b"null" if value is None else orjson.dumps(show(value, item), default=_exact)
    )


def _exact(number: Any) -> orjson.Fragment:
    """A Decimal as JSON, with all its digits."""
    if not isinstance(number, Decimal):
        raise TypeError(f"no JSON: {number!r}")
    return orjson.Fragment(format(number, "f").encode())


def page(items: Sequence[Any], total: int, limit: int, offset: int) -> dict[str, Any]:
    return {
        "items": items,
        "total": total,
        "limit": limit,
        "offset": offset,
        "page": offset // limit + 1,
        "page_size": limit,
    }


def page_bytes(items: bytes, total: int, limit: int, offset: int) -> bytes:
    """The same around items that are JSON already, without their brackets."""
    return (
        b'{"items":[%b],"total":%d,"limit":%d,"offset":%d,"page":%d,"page_size":%d}'
        % (items, total, limit, offset, offset // limit + 1, limit)
    )


def view_page(
    view_id: str, items: bytes, total: int, page: Page, *, more: bool
) -> bytes:
    """A page with what a view's readers look for beside it."""
    listed = page_bytes(items, total, page.limit, page.offset)
    return b'{"view_id":"%b","has_more":%b,"records":[%b],%b' % (
        view_id.encode(),
        b"true" if more else b"false",
        items,
        listed[1:],
    )
