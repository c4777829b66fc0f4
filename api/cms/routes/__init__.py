"""The CMS's routes, a section of the document each."""

from api.cms.accounts import Accounts
from api.cms.routes.accounts import account_rows
from api.cms.routes.entries import entry_rows
from api.cms.routes.operations import operation_rows
from api.routes import Route


def cms_routes(accounts: Accounts) -> list[Route]:
    return [
        *operation_rows(),
        *account_rows(accounts),
        *entry_rows(),
    ]
