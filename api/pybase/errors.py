"""PyBase's errors: `{detail, code}` and what else a code documents."""

import orjson

from api.http import Reply
from api.refusals import STATUS, headers_of
from domain.errors import DomainError


def refusal(error: DomainError) -> Reply:
    body = {"detail": error.detail, "code": error.code, **error.extra}
    return Reply(STATUS[error.code], orjson.dumps(body), headers_of(error))
