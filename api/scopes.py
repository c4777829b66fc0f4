"""What an API key is good for: the scopes of routes.

    read    every operation that a viewer may, and reading one's own account
    write   every operation that needs an editor
    admin   everything else: structure, members, workspaces, the account, other keys

A key never allows more than its owner's role does: scopes only take away.
"""

from api.routes import Route
from domain.access import Role
from domain.errors import Forbidden
from projections.reader import Caller


def scope_of(route: Route) -> str:
    """The scope that a key needs for an operation."""
    if route.role is None:
        return "read" if route.method == "GET" else "admin"
    if route.role < Role.editor:
        return "read"
    return "write" if route.role is Role.editor else "admin"


def check_scope(route: Route, caller: Caller) -> None:
    """Raises Forbidden where the caller shows a key without the operation's scope."""
    if caller.scopes is not None and scope_of(route) not in caller.scopes:
        raise Forbidden("The API key's scopes do not allow this")
