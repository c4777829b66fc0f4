"""Table REST's errors: `{"error": text}`, and beside it what clients of servers of this
API look for: `detail`, and for a parameter of the query a list under its name."""

import orjson

from api.door import InternalError, MethodNotAllowed
from api.http import Reply
from api.limits import RateLimited
from domain.errors import Busy, Code, DomainError, Invalid, Json

NO_CREDENTIALS = "Authentication credentials were not provided."
BAD_HEADER = "Invalid Authorization header format"
BAD_TOKEN = "Invalid access token"
NO_WORKSPACE = "Workspace not found or access denied"
NO_PERMISSION = "Permission denied to view database tables"
OTHER_DATABASE = "Database does not belong to this workspace"

STATUS: dict[Code, int] = {
    Code.BAD_REQUEST: 400,
    Code.VALIDATION_ERROR: 400,
    Code.UNAUTHENTICATED: 403,
    Code.FORBIDDEN: 403,
    Code.NOT_FOUND: 404,
    Code.METHOD_NOT_ALLOWED: 405,
    Code.REQUEST_TIMEOUT: 408,
    Code.PAYLOAD_TOO_LARGE: 413,
    Code.URI_TOO_LONG: 414,
    Code.RATE_LIMITED: 429,
    Code.HEADERS_TOO_LARGE: 431,
    Code.INTERNAL_ERROR: 500,
    Code.SERVICE_UNAVAILABLE: 500,  # the document's, for a database that is not there
}


class BadParameter(Invalid):
    """Invalid query parameters"""

    def __init__(self, **problems: list[Json]) -> None:
        name, (message, *_) = next(iter(problems.items()))
        super().__init__(f"Invalid query parameters: {name}: {message}", **problems)


class TooManyDownloads(Busy):
    """Too many downloads are under way; try again"""


def refusal(error: DomainError) -> Reply:
    headers: dict[str, str] = {}
    status, text = STATUS.get(error.code, 500), _text(error)
    if isinstance(error, TooManyDownloads):
        status = 503
    if isinstance(error, Busy):
        headers["retry-after"] = "1"
    if isinstance(error, RateLimited):
        headers["retry-after"] = str(error.allowance.wait)
    body = {"error": text, "detail": text, **error.extra}
    return Reply(status, orjson.dumps(body), headers)


def _text(error: DomainError) -> str:
    """The document's words; of what went wrong inside only where to look it up."""
    if isinstance(error, InternalError):
        request_id = error.extra.get("request_id", "")
        return f"Database query failed: internal error, request {request_id}"
    if isinstance(error, Busy) and not isinstance(error, TooManyDownloads):
        return f"Database query failed: {error.detail}"
    if isinstance(error, MethodNotAllowed):
        return f'Method "{error.method}" not allowed.'
    if error.code is Code.FORBIDDEN:
        return NO_PERMISSION
    return error.detail
