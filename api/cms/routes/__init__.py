"""The CMS's routes, a section of the document each."""

from api.cms.routes.operations import operation_rows
from api.routes import Route


def cms_routes() -> list[Route]:
    return [*operation_rows()]
