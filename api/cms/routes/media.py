"""Media: uploaded, told about, downloaded."""

from typing import Any

from api.cms import schemas
from api.cms.routes.rows import READ, WRITE, read
from api.files import Files
from api.routes import Route
from api.schemas import ID
from domain.access import Role
from domain.file import SERVED

FORM: dict[str, Any] = {
    "type": "object",
    "properties": {
        "file": {"type": "string", "format": "binary"},
        "workspace_id": {**ID, "description": "Whose it is"},
    },
    "required": ["file"],
}


_FILES = Files(lambda file_id: f"/media/{file_id}/content")


def media_rows() -> list[Route]:
    tag = "media"
    return [
        Route(
            "POST",
            "/media",
            "Upload a file for entries to name",
            _FILES.upload,
            tag,
            role=Role.editor,
            status=201,
            form=FORM,
            response=schemas.MEDIUM,
            query=(
                (
                    "workspace_id",
                    ID,
                    "Whose the file is; without it the caller's only workspace's",
                ),
            ),
            errors=WRITE,
        ),
        read(
            "/media/{id}",
            "What is known of a file",
            _FILES.get,
            tag,
            schemas.MEDIUM,
            Role.viewer,
        ),
        Route(
            "GET",
            "/media/{id}/content",
            "Download a file, or the one range of it that is asked for",
            _FILES.download,
            tag,
            role=Role.viewer,
            response={"type": "string", "format": "binary"},
            also={206: {}, 304: {}},
            media=SERVED,
            errors=READ,
        ),
    ]
