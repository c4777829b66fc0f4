"""What handlers of the CMS have in common: whose a thing is, and what it is called."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from pydantic import BaseModel

from api.http import Request
from domain.errors import Invalid, NotFound

M = TypeVar("M", bound=BaseModel)

# what is said where a thing is not there, or not the caller's
_NOT_FOUND = frozenset(
    {"Not found", "Workspace not found", "Table not found", "Record not found"}
)


@contextmanager
def looking_for(noun: str) -> Iterator[None]:
    """Says of what is not there, or another's, that there is no such `noun`."""
    try:
        yield
    except NotFound as error:
        if error.detail not in _NOT_FOUND:
            raise
        raise NotFound(f"{noun} not found") from error


def body(request: Request, model: type[M]) -> M:
    """The body as a model.  Raises Invalid, which names the first place that is
    wrong."""
    try:
        return request.shape(model)
    except Invalid as error:
        problems = error.extra.get("errors")
        if not isinstance(problems, list) or not problems:
            raise
        raise Invalid(_told(problems[0]), **error.extra) from error


def _told(problem: object) -> str:
    if not isinstance(problem, dict):
        return "Validation failed"
    place = ""
    for part in problem["loc"]:
        place += f"[{part}]" if part.isdigit() else f".{part}" if place else part
    return f"{place}: {problem['msg']}" if place else str(problem["msg"])
