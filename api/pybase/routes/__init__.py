"""PyBase's routes: the whole document, a row an operation, a file a section.

A row's `role` is what the caller needs in the workspace: viewers read, editors write
records, views and form entries, admins everything else, owners may end it.
"""

from api.metrics import Metrics
from api.pybase.accounts import Accounts
from api.pybase.routes.accounts import account_rows
from api.pybase.routes.attachments import attachment_rows
from api.pybase.routes.batch import batch_row
from api.pybase.routes.feed import feed_rows
from api.pybase.routes.history import history_rows
from api.pybase.routes.importing import import_rows
from api.pybase.routes.incoming import incoming_row
from api.pybase.routes.operations import operation_rows
from api.pybase.routes.records import record_rows
from api.pybase.routes.structure import constraint_rows, field_rows, table_rows
from api.pybase.routes.to_come import rows_to_come
from api.pybase.routes.tokens import token_rows
from api.pybase.routes.undo import undo_rows
from api.pybase.routes.views import view_rows
from api.pybase.routes.webhooks import webhook_rows
from api.pybase.routes.workspaces import base_rows, workspace_rows
from api.routes import Route
from workers.feed import Feed


def pybase_routes(accounts: Accounts, metrics: Metrics, feed: Feed) -> list[Route]:
    rows = [
        *record_rows(),
        *operation_rows(metrics),
        *account_rows(accounts),
        *workspace_rows(),
        *token_rows(),
        *base_rows(),
        *table_rows(),
        *import_rows(),
        *attachment_rows(),
        *field_rows(),
        *constraint_rows(),
        *view_rows(),
        *history_rows(),
        *feed_rows(feed),
        *undo_rows(),
        *webhook_rows(),
        incoming_row(),
        *rows_to_come(),
    ]
    return [*rows, batch_row(rows)]
