"""Undo and redo."""

from api.pybase import schemas, undo
from api.pybase.routes.rows import EDITOR, write
from api.routes import Route


def undo_rows() -> list[Route]:
    return [
        write(
            "POST",
            "/undo",
            "Take back a batch, an event, or what an actor or everyone did",
            undo.undo_scope,
            "history",
            EDITOR,
            status=200,
            body=undo.Undo,
            response=schemas.UNDONE,
            alone=True,
        ),
        write(
            "POST",
            "/redo",
            "Undo an undo",
            undo.redo_batch,
            "history",
            EDITOR,
            status=200,
            body=undo.Redo,
            response=schemas.UNDONE,
            alone=True,
        ),
    ]
