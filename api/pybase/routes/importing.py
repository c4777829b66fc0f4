"""Files of rows into a table."""

from typing import Any

from api.pybase import importing, schemas
from api.pybase.routes.rows import EDITOR, WRITE
from api.routes import Route

_TEXT = {"type": "string"}
FORM: dict[str, Any] = {
    "type": "object",
    "properties": {
        "file": {"type": "string", "format": "binary"},
        "preview": {"type": "boolean", "description": "Look at it, write nothing"},
        "mapping": {
            **_TEXT,
            "description": "JSON: for each column a field's name or id,"
            ' {"new": {"name", "type", "options"}}, or null to leave it out;'
            " a column that is not named goes into the field of its name",
        },
        "header": {"type": "boolean", "description": "Whether row 1 names columns"},
        "delimiter": {"enum": [",", ";", "tab", "|"]},
        "encoding": {"enum": ["utf-8", "utf-16", "windows-1252"]},
    },
    "required": ["file"],
}


def import_rows() -> list[Route]:
    return [
        Route(
            "POST",
            "/tables/{id}/import",
            "Import a CSV file, all of it or nothing, or look at it first",
            importing.import_file,
            "tables",
            role=EDITOR,
            status=201,
            form=FORM,
            response=schemas.IMPORTED,
            also={200: schemas.PREVIEW},
            errors=WRITE,
            query=(("preview", "boolean", "The same as in the form"),),
        )
    ]
