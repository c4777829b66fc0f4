"""The CMS's errors: `{statusCode, message, error, code}` and what a code documents.

`error` is the status in words, `code` one of the seven of the document, or, where it
has none, the code of every other surface.
"""

from http import HTTPStatus

import orjson

from api.http import Reply
from api.limits import RateLimited
from domain.errors import Code, DomainError, Invalid, Json

STATUS: dict[Code, int] = {
    Code.BAD_REQUEST: 400,
    Code.VALIDATION_ERROR: 400,
    Code.UNAUTHENTICATED: 401,
    Code.FORBIDDEN: 403,
    Code.NOT_FOUND: 404,
    Code.METHOD_NOT_ALLOWED: 405,
    Code.REQUEST_TIMEOUT: 408,
    Code.CONFLICT: 409,
    Code.DUPLICATE_VALUE: 409,
    Code.FOREIGN_KEY_VIOLATION: 409,
    Code.NAME_TAKEN: 409,
    Code.UNDO_CONFLICT: 409,
    Code.SECRET_ALREADY_SHOWN: 409,
    Code.STALE_SCHEMA: 409,
    Code.VERSION_MISMATCH: 412,
    Code.PAYLOAD_TOO_LARGE: 413,
    Code.URI_TOO_LONG: 414,
    Code.UNSUPPORTED_MEDIA_TYPE: 415,
    Code.REQUIRED_FIELD: 422,
    Code.BATCH_TOO_LARGE: 422,
    Code.TOO_MANY_FIELDS: 422,
    Code.ROW_TOO_LARGE: 422,
    Code.IDEMPOTENCY_KEY_REUSED: 422,
    Code.CONSTRAINT_PENDING: 423,
    Code.CONSTRAINT_DISABLED: 423,
    Code.RATE_LIMITED: 429,
    Code.HEADERS_TOO_LARGE: 431,
    Code.INTERNAL_ERROR: 500,
    Code.NOT_IMPLEMENTED: 501,
    Code.SERVICE_UNAVAILABLE: 503,
}
# the document's table
CODES = {
    400: "VALIDATION_ERROR",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    409: "CONFLICT",
    422: "UNPROCESSABLE_ENTITY",
    500: "INTERNAL_ERROR",
}


class BadDefinition(Invalid):
    """A definition of a field that cannot be; `place` in the list of them"""

    def __init__(self, name: str, place: int, what: str, key: str) -> None:
        loc: list[Json] = ["field_definitions", place, key]
        super().__init__(
            f"Field '{name[:80]}': {what}",
            errors=[{"loc": loc, "msg": what, "type": "value_error"}],
        )


class BadData(DomainError):
    """An entry's data does not fit its object type"""

    code = Code.REQUIRED_FIELD  # 422 in this surface's words


def refusal(error: DomainError) -> Reply:
    headers: dict[str, str] = {}
    status = STATUS[error.code]
    if error.code is Code.UNAUTHENTICATED:
        headers["www-authenticate"] = "Bearer"
    if error.code in (Code.SERVICE_UNAVAILABLE, Code.RATE_LIMITED):
        headers["retry-after"] = "1"
    if isinstance(error, RateLimited):
        headers["retry-after"] = str(error.allowance.wait)
    body = {
        "statusCode": status,
        "message": error.detail,
        "error": HTTPStatus(status).phrase,
        "code": CODES.get(status, error.code),
        **error.extra,
    }
    return Reply(status, orjson.dumps(body), headers)
