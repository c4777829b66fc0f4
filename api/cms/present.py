"""How the CMS spells what there is."""

from collections.abc import Mapping
from typing import Any

from api.cms.fields import definitions
from commands.accounts import Account
from domain.catalog import Catalog, Table, Workspace
from projections.mine import Site

# (e-mail, name) by user id
People = Mapping[str, tuple[str, str]]
# what a role is called: who edits is a site's usual member
ROLES = {
    "owner": "Owner",
    "admin": "Admin",
    "editor": "Member",
    "commenter": "Commenter",
    "viewer": "Viewer",
}


def person(account: Account) -> dict[str, Any]:
    return {
        "id": account.user_id,
        "email": account.email,
        "full_name": account.name,
        "username": account.username,
    }


def profile(account: Account, workspace_id: str | None) -> dict[str, Any]:
    return {
        "id": account.user_id,
        "email": account.email,
        "username": account.username,
        "full_name": account.name,
        "avatar": account.avatar,
        "email_verified": account.email_verified,
        "workspace_id": workspace_id,
        "created_at": account.created_at,
        "updated_at": account.updated_at,
    }


def creator(user_id: str, people: People) -> dict[str, Any]:
    email, name = people.get(user_id, ("", ""))
    return {"id": user_id, "email": email, "full_name": name}


def named(one: Workspace | Table) -> dict[str, Any]:
    return {"id": one.id, "name": one.name, "slug": one.slug}


# ----------------------------------------------------------------------- workspaces


def _site(one: Workspace) -> dict[str, Any]:
    return {**named(one), "status": one.status.title()}


def workspace(one: Workspace, people: People) -> dict[str, Any]:
    return {
        **_site(one),
        "creator_id": one.owner_id,
        "created_at": one.created_at,
        "creator": creator(one.owner_id, people),
    }


def listed_workspace(one: Site, people: People) -> dict[str, Any]:
    return {
        **_site(one.workspace),
        "created_at": one.workspace.created_at,
        "creator": creator(one.workspace.owner_id, people),
        "_count": {"members": one.members, "object_types": one.tables},
    }


def whole_workspace(catalog: Catalog, people: People) -> dict[str, Any]:
    one = catalog.live_workspace()
    members = [member for member in catalog.members.values() if not member.deleted]
    return {
        **_site(one),
        "creator": creator(one.owner_id, people),
        "members": [
            {
                "id": member.id,
                "role": ROLES[member.role.name],
                "status": "Active",
                "user": creator(member.user_id, people),
            }
            for member in sorted(members, key=lambda one: (one.created_at, one.id))
        ],
        "object_types": [
            {**named(table), "created_at": table.created_at}
            for table in newest_first(catalog)
        ],
    }


def deleted_workspace(one: Workspace) -> dict[str, Any]:
    return {
        **_site(one),
        "creator_id": one.owner_id,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
        "is_deleted": True,
    }


# --------------------------------------------------------------------- object types


def newest_first(catalog: Catalog) -> list[Table]:
    """The live tables."""
    live = [one for one in catalog.tables.values() if not one.deleted]
    return sorted(live, key=lambda one: (one.created_at, one.id), reverse=True)


def _type(catalog: Catalog, one: Table) -> dict[str, Any]:
    return {
        **named(one),
        "workspace_id": catalog.id,
        "public": one.public,
        "created_at": one.created_at,
    }


def object_type(catalog: Catalog, one: Table) -> dict[str, Any]:
    return {
        **_type(catalog, one),
        "field_definitions": definitions(catalog, one),
        "workspace": named(catalog.live_workspace()),
    }


def listed_type(catalog: Catalog, one: Table, entries: int) -> dict[str, Any]:
    return {
        **_type(catalog, one),
        "field_definitions": definitions(catalog, one),
        "_count": {"entries": entries},
    }


def whole_type(catalog: Catalog, one: Table, entries: int) -> dict[str, Any]:
    return {**object_type(catalog, one), "_count": {"entries": entries}}


def deleted_type(catalog: Catalog, one: Table) -> dict[str, Any]:
    return {
        **_type(catalog, one),
        "updated_at": one.updated_at,
        "is_deleted": True,
    }
