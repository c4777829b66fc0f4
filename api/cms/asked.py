"""What the query of a list asks: a page, and an order.  Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from domain.errors import Malformed

DEFAULT_LIMIT: Final = 10
MOST: Final = 100  # entries of a page; who asks for more gets so many
MAX_PAGE: Final = 1_000_000_000
DEFAULT_SORT: Final = "created_at"
ORDERS: Final = ("asc", "desc")
_INTEGER = re.compile(r"-?\d{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Asked:
    page: int = 1
    limit: int = DEFAULT_LIMIT
    sort: str = DEFAULT_SORT
    descending: bool = True

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.limit

    def pagination(self, total: int) -> dict[str, int]:
        pages = -(-total // self.limit)
        return {"page": self.page, "limit": self.limit, "total": total, "pages": pages}


FIRST: Final = Asked()


def read(query: Mapping[str, str]) -> Asked:
    """Raises Malformed."""
    order = query.get("order") or "desc"
    if order not in ORDERS:
        raise Malformed("order must be asc or desc")
    page = _number(query, "page", 1)
    if page > MAX_PAGE:
        raise Malformed(f"page must be at most {MAX_PAGE}")
    limit = min(_number(query, "limit", DEFAULT_LIMIT), MOST)
    return Asked(page, limit, query.get("sort") or DEFAULT_SORT, order == "desc")


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, "").strip()
    if not text:
        return default
    if not _INTEGER.fullmatch(text) or int(text) < 1:
        raise Malformed(f"{name} must be a whole number from 1 on")
    return int(text)
