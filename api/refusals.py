"""What refusals have in common, whatever their bodies: statuses and headers."""

from api.limits import RateLimited
from domain.errors import Busy, Code, DomainError

STATUS: dict[Code, int] = {
    Code.BAD_REQUEST: 400,
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
    Code.VALIDATION_ERROR: 422,
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


def headers_of(error: DomainError) -> dict[str, str]:
    """How to sign in, or when to come again."""
    headers: dict[str, str] = {}
    if error.code is Code.UNAUTHENTICATED:
        headers["www-authenticate"] = "Bearer"
    if error.code in (Code.SERVICE_UNAVAILABLE, Code.RATE_LIMITED):
        headers["retry-after"] = "1"
    if isinstance(error, Busy):
        headers["retry-after"] = str(error.wait)
    if isinstance(error, RateLimited):
        headers["retry-after"] = str(error.allowance.wait)
    return headers
