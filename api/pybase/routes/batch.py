"""Operations of all kinds, committed as one."""

from collections.abc import Sequence

from api.pybase import schemas, shapes
from api.pybase.batch import Batch
from api.pybase.routes.rows import EDITOR, WRITE, write
from api.routes import Route, Routes


def batch_row(rows: Sequence[Route]) -> Route:
    """The batch of operations that are among these rows."""
    batch = Batch()
    row = write(
        "POST",
        "/batch",
        "Commit operations of all kinds in their order, all or none",
        batch.commit,
        "batch",
        EDITOR,
        status=200,
        body=shapes.CommitBatch,
        response=schemas.COMMITTED,
        errors=(*WRITE, 405, 501),
        alone=True,
    )
    batch.routes = Routes([*rows, row])
    return row
