"""Attachments: uploaded, told about, downloaded."""

from typing import Any

from api.files import Files
from api.pybase import schemas
from api.pybase.routes.rows import EDITOR, ID, READ, VIEWER, WRITE, read
from api.routes import Route
from domain.file import SERVED
from domain.values import file_url

FORM: dict[str, Any] = {
    "type": "object",
    "properties": {
        "file": {"type": "string", "format": "binary"},
        "workspace_id": {**ID, "description": "Whose it is, unless the query says"},
        "table_id": {**ID, "description": "A table of that workspace, instead"},
    },
    "required": ["file"],
}


_FILES = Files(file_url)


def attachment_rows() -> list[Route]:
    tag = "attachments"
    owner = "; without it the file belongs to the caller's only workspace"
    return [
        Route(
            "POST",
            "/attachments",
            "Upload a file for records to name",
            _FILES.upload,
            tag,
            role=EDITOR,
            status=201,
            form=FORM,
            response=schemas.FILE,
            query=(
                ("workspace_id", ID, f"Whose the file is{owner}"),
                ("table_id", ID, "A table of that workspace, instead"),
            ),
            errors=WRITE,
        ),
        read(
            "/attachments/{id}",
            "What is known of a file",
            _FILES.get,
            tag,
            schemas.FILE,
        ),
        Route(
            "GET",
            "/attachments/{id}/content",
            "Download a file, or the one range of it that is asked for",
            _FILES.download,
            tag,
            role=VIEWER,
            response={"type": "string", "format": "binary"},
            also={206: {}, 304: {}},
            media=SERVED,
            errors=READ,
        ),
    ]
