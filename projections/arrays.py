"""Postgres array literals, made as fast as JSON.

A set-based statement takes its columns as arrays.  psycopg dumps a list element by
element in Python; a JSON array of the same strings is made by one call and differs
from Postgres' literal in its brackets and in how control characters are escaped.
"""

from collections.abc import Sequence

import orjson

_ESCAPED = str.maketrans({'"': '\\"', "\\": "\\\\"})


def text_array(items: Sequence[str | bool | int | None]) -> str:
    """The literal of a one-dimensional array: `{"a","b",null}`.

    Booleans and integers may stand among the items; strings hold no NUL.
    """
    encoded = orjson.dumps(items)
    if b"\\" in encoded and _has_other_escapes(encoded):
        return "{" + ",".join(_slowly(item) for item in items) + "}"
    return "{" + encoded[1:-1].decode() + "}"


def json_array(items: Sequence[str]) -> str:
    """The same of texts that are JSON: they hold no control character to escape."""
    return "{" + orjson.dumps(items)[1:-1].decode() + "}"


def _has_other_escapes(encoded: bytes) -> bool:
    """Whether JSON escaped a control character: Postgres knows \\\\ and \\" alone."""
    rest = encoded.replace(b"\\\\", b"").replace(b'\\"', b"")
    return b"\\" in rest


def _slowly(item: str | bool | int | None) -> str:
    if item is None:
        return "null"
    if isinstance(item, bool):
        return "true" if item else "false"
    return '"' + str(item).translate(_ESCAPED) + '"'
