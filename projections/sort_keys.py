"""Sort keys outside of Postgres: as the text that tells them, and as what Python
compares as Postgres does.

    texts, ids         themselves: in order of code points, as `COLLATE "C"` has them
    numbers            decimals
    days, moments      integers: days, microseconds
    checkboxes         0 and 1
    choices            their places among the field's, several of them as tuples
    what is empty      None
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from math import inf
from sys import getsizeof
from typing import Any, Final

from psycopg import sql

from projections.query import Sort, family
from projections.sql import Clause, sort_key

TOO_LONG: Final = "~"  # instead of a text that is not worth keeping
LONGEST = 200  # bytes of a text that is
_PART = 1_000  # keys that are looked at for how many of them are equal


def told(sort: Sort) -> Clause:
    """What a sort compares, as text; NULL where it is empty."""
    key, kind = sort_key(sort), family(sort.field)
    text = _TEXTS.get(kind, "({0})::text")
    if kind in _OF_ANY_LENGTH:
        text = (
            f"CASE WHEN octet_length({text}) > {LONGEST} THEN '{TOO_LONG}'"
            f" ELSE {text} END"
        )
    values = key.values * text.count("{0}")
    return Clause(sql.SQL(text).format(key.text), values)


def read(sort: Sort, text: str) -> Any:
    """A key that was told."""
    return _READERS[family(sort.field)](text)


def read_all(sort: Sort, texts: Sequence[str]) -> list[Any]:
    """A column of keys, "" being an empty one; none is too long."""
    one = _READERS[family(sort.field)]
    if one is str:
        return [text or None for text in texts]
    if 2 * len(set(texts[:_PART])) > len(texts[:_PART]):
        return [one(text) if text else None for text in texts]
    known = {text: one(text) if text else None for text in set(texts)}
    return [known[text] for text in texts]


def size(keys: Sequence[Any]) -> int:
    """About how many bytes a column takes."""
    distinct = {id(key): key for key in keys}
    return 8 * len(keys) + sum(map(getsizeof, distinct.values()))


def _places(text: str) -> tuple[float, ...]:
    """An array of integers; a null is behind all others, as Postgres has it."""
    inner = text[1:-1]
    each = inner.split(",") if inner else []
    return tuple(inf if one == "NULL" else int(one) for one in each)


# where a key's own text would not do
_TEXTS: Final[Mapping[str, str]] = {
    "text": "'=' || ({0})",
    "date": "({0} - DATE '2000-01-01')::text",
    "datetime": "(extract(epoch FROM {0}) * 1000000)::bigint::text",
    "checkbox": "({0})::integer::text",
}
_OF_ANY_LENGTH = frozenset(["text", "number", "choices"])
_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "text": str,
    "id": str,
    "number": Decimal,
    "date": int,
    "datetime": int,
    "checkbox": int,
    "select": int,
    "choices": _places,
}
