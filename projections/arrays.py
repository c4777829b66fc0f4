"""Postgres arrays, made as fast as JSON.

A set-based statement takes its columns as arrays.  psycopg dumps a list element by
element in Python; a JSON array of the same strings is made by one call and differs
from Postgres' literal in its brackets and in how control characters are escaped.

What is many bytes to read, or has to be cast, goes in the binary form: each element
behind its length (`array_recv` in Postgres' `arrayfuncs.c`).  `projections.postgres`
tells psycopg about these.
"""

import struct
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


class Uuids(bytes):
    """A `uuid[]`."""

    OID = 2951


class Integers(bytes):
    """An `integer[]`."""

    OID = 1007


class ByteStrings(bytes):
    """A `bytea[]`."""

    OID = 1001


def uuids(ids: Sequence[str]) -> Uuids:
    raw = bytes.fromhex("".join(ids).replace("-", ""))
    if len(raw) != 16 * len(ids):
        raise ValueError("an id is no UUID")
    each = [_SIXTEEN + raw[at : at + 16] for at in range(0, len(raw), 16)]
    return Uuids(_head(2950, len(ids)) + b"".join(each))


def integers(items: Sequence[int]) -> Integers:
    """Of 32 bits."""
    each = [_FOUR + _int4(one) for one in items]
    return Integers(_head(23, len(items)) + b"".join(each))


def byte_strings(items: Sequence[bytes]) -> ByteStrings:
    each = [part for one in items for part in (_int4(len(one)), one)]
    return ByteStrings(_head(17, len(items)) + b"".join(each))


def _head(oid: int, size: int) -> bytes:
    """Of one dimension from 1 on, without nulls; of none where it is empty."""
    if not size:
        return struct.pack(">iiI", 0, 0, oid)
    return struct.pack(">iiIii", 1, 0, oid, size, 1)


_int4 = struct.Struct(">i").pack
_SIXTEEN, _FOUR = _int4(16), _int4(4)


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
