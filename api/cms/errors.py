"""The CMS's errors: `{statusCode, message, error, code}` and what a code documents.

`error` is the status in words, `code` one of the seven of the document, or, where it
has none, the code of every other surface.
"""

from http import HTTPStatus

import orjson

from api.http import Reply
from api.refusals import STATUS as USUAL
from api.refusals import headers_of
from domain.errors import Code, DomainError, Invalid, Json

# of a request's own shape; what an entry's data has to be is told by `BadData`
STATUS = {**USUAL, Code.VALIDATION_ERROR: 400}
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
    status = STATUS[error.code]
    body = {
        "statusCode": status,
        "message": error.detail,
        "error": HTTPStatus(status).phrase,
        "code": CODES.get(status, error.code),
        **error.extra,
    }
    return Reply(status, orjson.dumps(body), headers_of(error))
