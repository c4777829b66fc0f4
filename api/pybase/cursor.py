"""Cursors of record lists: opaque to a client, bound to what was asked, signed.

    base64url(signature ‖ JSON of [question, "after" | "before", id, number, keys])

`question` is a digest of table, filter and sort: a cursor goes on only where it came
from.  The signature is HMAC-SHA-256 cut to 16 bytes: a cursor that was made up never
reaches the database.
"""

import binascii
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256

import orjson

from domain.errors import Invalid, Json
from projections.keyset import Place
from projections.query import And, Condition, Not, Or, Query, Where

MAX_CHARACTERS = 16_384
_SIGNATURE = 16  # bytes


@dataclass(frozen=True, slots=True)
class Cursor:
    """Goes on after a place, or back from it."""

    place: Place
    backwards: bool = False


def cursor_text(cursor: Cursor, query: Query, secret: str) -> str:
    place = cursor.place
    body = orjson.dumps(
        [
            _question(query),
            "before" if cursor.backwards else "after",
            place.record_id,
            place.number,
            place.keys,
        ]
    )
    return urlsafe_b64encode(_signed(body, secret) + body).decode().rstrip("=")


def read_cursor(text: str | None, query: Query, secret: str) -> Cursor | None:
    """Raises Invalid for what is no cursor of ours, or one of another question."""
    if not text:
        return None
    body = _read(text, secret)
    if body is None:
        raise bad_cursor("The cursor is not one that was given out")
    question, word, record_id, number, keys = orjson.loads(body)
    if question != _question(query):
        raise bad_cursor("The cursor is of another table, filter or sort")
    return Cursor(Place(record_id, number, tuple(keys)), word == "before")


def bad_cursor(message: str) -> Invalid:
    problem: list[Json] = [{"loc": ["cursor"], "msg": message, "type": "value_error"}]
    return Invalid(message, errors=problem)


def _read(text: str, secret: str) -> bytes | None:
    if len(text) > MAX_CHARACTERS or not text.isascii():
        return None
    try:
        found = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return None
    signature, body = found[:_SIGNATURE], found[_SIGNATURE:]
    return body if hmac.compare_digest(signature, _signed(body, secret)) else None


def _signed(body: bytes, secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"records cursor\0" + body, sha256)[:_SIGNATURE]


def _question(query: Query) -> str:
    """The same for the same table, filter and sort, as long as they mean the same."""
    asked = [
        query.table.id,
        _said(query.where),
        [
            [one.field.id, one.field.type, one.field.column, one.descending]
            for one in query.sorts
        ],
    ]
    return sha256(orjson.dumps(asked)).hexdigest()[:32]


def _said(item: Where) -> Json:
    match item:
        case Condition(field, operator, value):
            kept: Json = [*value] if isinstance(value, tuple) else value
            return [field.id, operator, kept]
        case And(items) | Or(items):
            return [type(item).__name__, *(_said(one) for one in items)]
        case Not(inside):
            return ["Not", _said(inside)]
