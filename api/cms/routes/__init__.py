"""The CMS's routes, a section of the document each."""

from api.cms.accounts import Accounts
from api.cms.oauth import OAuth
from api.cms.public.handlers import Public
from api.cms.routes.accounts import account_rows
from api.cms.routes.entries import entry_rows
from api.cms.routes.media import media_rows
from api.cms.routes.object_types import object_type_rows
from api.cms.routes.operations import operation_rows
from api.cms.routes.public import public_rows
from api.cms.routes.workspaces import workspace_rows
from api.routes import Route


def cms_routes(accounts: Accounts, oauth: OAuth, public: Public) -> list[Route]:
    return [
        *operation_rows(),
        *account_rows(accounts, oauth),
        *media_rows(),
        *public_rows(public),
        *workspace_rows(),
        *object_type_rows(),
        *entry_rows(),
    ]
