"""Parameters of a query that several calls read alike."""

from api.http import Request
from domain.errors import Invalid


def number(request: Request, name: str, default: int, low: int, high: int) -> int:
    """A whole number within bounds.  Raises Invalid."""
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Invalid(f"{name} must be a whole number", field=name)
    found = int(text)
    if not low <= found <= high:
        raise Invalid(f"{name} must be from {low:,} to {high:,}", field=name)
    return found


def missing(name: str) -> Invalid:
    """The refusal of a query without a parameter that has to be there."""
    problem = {"loc": [name], "msg": "Field required", "type": "missing"}
    return Invalid(errors=[problem])  # type: ignore[list-item]
