"""Workspaces."""

from api.cms import schemas, shapes, workspaces
from api.cms.routes.rows import read, write
from api.routes import Route
from api.schemas import array
from domain.access import Role


def workspace_rows() -> list[Route]:
    w, tag = workspaces, "workspaces"
    return [
        write(
            "POST",
            "/workspaces",
            "Make a workspace",
            w.create_workspace,
            tag,
            schemas.WORKSPACE,
            None,
            body=shapes.CreateWorkspace,
        ),
        read(
            "/workspaces",
            "The caller's workspaces, newest first",
            w.list_workspaces,
            tag,
            array(schemas.WORKSPACE_LISTED),
            None,
        ),
        read(
            "/workspaces/{id}",
            "A workspace with its members and object types",
            w.get_workspace,
            tag,
            schemas.WORKSPACE_WHOLE,
            Role.viewer,
        ),
        write(
            "PATCH",
            "/workspaces/{id}",
            "Change a workspace",
            w.update_workspace,
            tag,
            schemas.WORKSPACE,
            Role.admin,
            body=shapes.UpdateWorkspace,
        ),
        write(
            "DELETE",
            "/workspaces/{id}",
            "Delete a workspace with all that it has",
            w.delete_workspace,
            tag,
            schemas.WORKSPACE_DELETED,
            Role.owner,
        ),
    ]
