"""Entries."""

from api.cms import entries, schemas, shapes
from api.cms.asked import MOST
from api.cms.listing import list_entries
from api.cms.routes.rows import read, write
from api.routes import Parameter, Route
from domain.access import Role

_ID = {"type": "string", "format": "uuid"}
_ORDER = {"type": "string", "enum": ["asc", "desc"], "default": "desc"}
LIST: tuple[Parameter, ...] = (
    ("object_type_id", _ID, "Entries of this type"),
    ("workspace_id", _ID, "Entries of this workspace"),
    ("page", {"type": "integer", "minimum": 1, "default": 1}, "Which page"),
    (
        "limit",
        {"type": "integer", "minimum": 1, "default": 10},
        f"Entries of a page; more than {MOST} are {MOST}",
    ),
    (
        "sort",
        {"type": "string", "default": "created_at"},
        "created_at, updated_at, or, with object_type_id, the name of a field",
    ),
    ("order", _ORDER, "Which way"),
)


def entry_rows() -> list[Route]:
    return [
        write(
            "POST",
            "/entries",
            "Make an entry",
            entries.create_entry,
            "entries",
            schemas.ENTRY_NEW,
            Role.editor,
            body=shapes.CreateEntry,
        ),
        read(
            "/entries",
            "Entries of a type, of a workspace, or of all the caller's workspaces",
            list_entries,
            "entries",
            schemas.ENTRIES,
            Role.viewer,
            query=LIST,
        ),
        read(
            "/entries/{id}",
            "An entry",
            entries.show_entry,
            "entries",
            schemas.ENTRY,
            Role.viewer,
        ),
        write(
            "PATCH",
            "/entries/{id}",
            "Change an entry",
            entries.update_entry,
            "entries",
            schemas.ENTRY,
            Role.editor,
            body=shapes.UpdateEntry,
        ),
        write(
            "DELETE",
            "/entries/{id}",
            "Delete an entry",
            entries.delete_entry,
            "entries",
            schemas.ENTRY_DELETED,
            Role.editor,
        ),
    ]
