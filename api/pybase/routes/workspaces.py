"""Workspaces, their members, their bases."""

from api.pybase import schemas, shapes, workspaces
from api.pybase.routes.rows import (
    ADMIN,
    ID,
    OWNER,
    PAGING,
    read,
    write,
)
from api.routes import Route
from api.schemas import array


def workspace_rows() -> list[Route]:
    w, one, tag = workspaces, schemas.WORKSPACE, "workspaces"
    return [
        read(
            "/workspaces",
            "The caller's workspaces",
            w.list_workspaces,
            tag,
            schemas.page(one),
            role=None,
            query=PAGING,
        ),
        write(
            "POST",
            "/workspaces",
            "Make a workspace",
            w.create_workspace,
            tag,
            None,
            body=shapes.CreateWorkspace,
            response=one,
        ),
        read("/workspaces/{id}", "A workspace", w.get_workspace, tag, one),
        write(
            "PATCH",
            "/workspaces/{id}",
            "Change a workspace",
            w.update_workspace,
            tag,
            ADMIN,
            body=shapes.UpdateWorkspace,
            response=one,
        ),
        write(
            "DELETE",
            "/workspaces/{id}",
            "Delete a workspace with all that it has",
            w.delete_workspace,
            tag,
            OWNER,
        ),
        read(
            "/workspaces/{id}/members",
            "Members",
            w.list_members,
            tag,
            array(schemas.MEMBER),
        ),
        write(
            "POST",
            "/workspaces/{id}/members",
            "Add a member",
            w.add_member,
            tag,
            ADMIN,
            body=shapes.AddMember,
            response=schemas.MEMBER,
        ),
        write(
            "PATCH",
            "/workspaces/{id}/members/{member_id}",
            "Change a member's role",
            w.update_member,
            tag,
            ADMIN,
            body=shapes.UpdateMember,
            response=schemas.MEMBER,
        ),
        write(
            "DELETE",
            "/workspaces/{id}/members/{member_id}",
            "Remove a member; of oneself anybody may",
            w.delete_member,
            tag,
            ADMIN,
        ),
    ]


def base_rows() -> list[Route]:
    w, one, tag = workspaces, schemas.BASE, "bases"
    query = (("workspace_id", ID, "One workspace's bases only"), *PAGING)
    return [
        read(
            "/bases",
            "Bases",
            w.list_bases,
            tag,
            schemas.page(one),
            role=None,
            query=query,
        ),
        write(
            "POST",
            "/bases",
            "Make a base",
            w.create_base,
            tag,
            ADMIN,
            body=shapes.CreateBase,
            response=one,
        ),
        read("/bases/{id}", "A base", w.get_base, tag, one),
        write(
            "PATCH",
            "/bases/{id}",
            "Change a base",
            w.update_base,
            tag,
            ADMIN,
            body=shapes.UpdateBase,
            response=one,
        ),
        write(
            "DELETE",
            "/bases/{id}",
            "Delete a base with its tables",
            w.delete_base,
            tag,
            ADMIN,
        ),
        write(
            "POST",
            "/bases/{id}/duplicate",
            "Copy a base with its tables, and with its records unless told otherwise",
            w.duplicate_base,
            tag,
            ADMIN,
            body=shapes.DuplicateBase,
            body_needed=False,
            response=one,
            alone=True,
        ),
    ]
