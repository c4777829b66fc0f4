"""One request and its reply, between ASGI and the surfaces.

A surface's handler takes a `Request` and gives a `Reply`; the framework encodes
nothing, because a dict that it encodes costs twenty times its bytes.
"""

import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import cached_property
from hashlib import sha256
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import orjson
from pydantic import BaseModel, ValidationError

from api.limits import Allowance
from commands.unit import Origin, Reply
from domain.errors import Code, DomainError, Invalid, Json, Malformed
from domain.events import Actor, Surface
from domain.ids import canonical
from domain.values import well_formed
from projections.reader import Caller

__all__ = ["Reply", "Request", "Streamed"]

# a number that a float may not hold exactly, once every digit and point is a 0
_DIGITS = bytes.maketrans(b"0123456789.", b"0" * 11)
_LONG_NUMBER = b"0" * 16
_TINY_NUMBERS = (b"0e-000", b"0E-000")
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,200}")
MAX_DEPTH = 64  # the default of TABELLION_MAX_JSON_DEPTH
MAX_DIGITS = 1000  # of a number
MAX_EXPONENT = 1000

_NESTING = (dict, list)
_READ_ALREADY = b"{}"  # in place of a body whose JSON is there
_TOO_DEEP = "The body is nested too deeply"
_TOO_LONG = f"A number has more than {MAX_DIGITS:,} digits"
_TOO_FAR = f"A number is beyond 1e{MAX_EXPONENT} or nearer to 0 than 1e-{MAX_EXPONENT}"

M = TypeVar("M", bound=BaseModel)


class UnsupportedMediaType(DomainError):
    """The body must be application/json"""

    code = Code.UNSUPPORTED_MEDIA_TYPE


class PayloadTooLarge(DomainError):
    """The body is too large"""

    code = Code.PAYLOAD_TOO_LARGE


@dataclass(frozen=True, slots=True)
class Streamed:
    """A reply whose length nobody knows: its body is made while it is sent.

    What the first part refuses is answered like any refusal; what goes wrong later
    breaks the connection, so that a piece is never taken for the whole.
    """

    parts: AsyncGenerator[bytes, None]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Request:
    """What a handler needs to know.  `path` holds the path's parameters."""

    method: str
    target: str
    path: Mapping[str, str]
    query_string: bytes
    headers: Mapping[bytes, bytes]
    body: bytes
    request_id: str
    surface: Surface
    address: str
    caller: Caller | None = None
    min_position: int | None = None
    allowance: Allowance | None = None
    max_depth: int = MAX_DEPTH
    notes: dict[str, str] = field(default_factory=dict)
    waited: float = (
        0.0  # seconds that the caller asked for: no part of how long it took
    )
    # the body of a route that takes it in parts, which `body` is not read from
    parts: AsyncIterator[bytes] | None = None

    def header(self, name: str) -> str | None:
        value = self.headers.get(name.encode())
        return None if value is None else value.decode("latin-1")

    @cached_property
    def query(self) -> Mapping[str, str]:
        """The query's parameters; of one given twice the last.  Raises Invalid."""
        try:
            pairs = parse_qsl(
                self.query_string.decode("ascii"),
                keep_blank_values=True,
                errors="strict",
                max_num_fields=200,
            )
        except ValueError as error:
            raise Malformed("The query string cannot be read") from error
        found = dict(pairs)
        if not all(well_formed(one) for pair in pairs for one in pair):
            raise Invalid("The query has a character that cannot be stored")
        return found

    @property
    def who(self) -> Caller:
        """The caller of a route that is not public."""
        if self.caller is None:
            raise RuntimeError("a route that needs a caller was declared public")
        return self.caller

    def id(self, name: str, noun: str) -> str:
        """A path parameter that is an id.  Raises Malformed."""
        return read_id(self.path[name], noun)

    def query_id(self, name: str, noun: str) -> str | None:
        """A query parameter that is an id, or None where it is not given."""
        value = self.query.get(name)
        return None if value is None else read_id(value, noun)

    @cached_property
    def json(self) -> Any:
        """The body's JSON, numbers exact.  Raises Malformed, Invalid.

        Of a key that stands twice in one object the last counts.
        """
        kind = self.header("content-type")
        if kind is not None and kind.partition(";")[0].strip().lower() not in (
            "application/json",
            "text/json",
        ):
            raise UnsupportedMediaType()
        return read_json(self.body, self.max_depth)

    @cached_property
    def object(self) -> dict[str, Any]:
        """The body, where it has to be an object.  Raises Invalid."""
        found = self.json
        if not isinstance(found, dict):
            raise Invalid("The body must be an object")
        return found

    def shape(self, model: type[M]) -> M:
        """The body as a model of the surface.  Raises Invalid with every problem."""
        return read_shape(self.object, model)

    @property
    def if_match(self) -> int | None:
        """The version that `If-Match` names.  Raises Malformed."""
        value = self.header("if-match")
        if value is None or value.strip() == "*":
            return None
        found = re.fullmatch(r'(?:W/)?"?v(\d{1,9})"?', value.strip())
        if found is None:
            raise Malformed('If-Match must be a version such as "v3"')
        return int(found[1])

    @property
    def idempotency_key(self) -> str | None:
        value = self.header("idempotency-key")
        if value is None:
            return None
        if not _REQUEST_ID.fullmatch(value):
            raise Malformed("Idempotency-Key must be 1 to 200 printable characters")
        return value

    @property
    def fingerprint(self) -> bytes:
        """32 bytes that the same request, made again, has too."""
        return sha256(
            b"\0".join(
                [
                    self.method.encode(),
                    self.target.encode("utf-8", "surrogateescape"),
                    self.query_string,
                    self.body,
                ]
            )
        ).digest()

    def operation(
        self, method: str, path: str, values: Mapping[str, str], query: bytes, body: Any
    ) -> "Request":
        """A request within this one, by the same caller: `values` are those of its
        path, `body` is its JSON, None where there is none.  It has no headers."""
        one = Request(
            method,
            path,
            values,
            query,
            {},
            b"" if body is None else _READ_ALREADY,
            self.request_id,
            self.surface,
            self.address,
            self.caller,
        )
        if body is not None:
            one.__dict__["json"] = body
        return one

    def origin(self) -> Origin:
        return Origin(
            Actor("user", self.who.user_id),
            self.surface,
            self.request_id,
            self.who.session_id,
        )


def read_id(text: str, noun: str) -> str:
    found = canonical(text)
    if found is None:
        raise Malformed(f"Invalid {noun} ID format")
    return found


def read_request_id(value: bytes | None) -> str | None:
    """A request id that a client sent, where it is fit to be kept."""
    text = (value or b"").decode("latin-1")
    return text if _REQUEST_ID.fullmatch(text) else None


def _no_constant(name: str) -> Any:
    raise Malformed(f"{name} is not a JSON number")


def _has_inexact(text: bytes) -> bool:
    digits = text.translate(_DIGITS)
    return _LONG_NUMBER in digits or any(one in digits for one in _TINY_NUMBERS)


def read_json(text: bytes, max_depth: int = MAX_DEPTH) -> Any:
    """JSON with exact numbers: those a float may not hold come as Decimal.

    Raises Malformed for what is not JSON or beyond the limits of depth and numbers,
    Invalid for a lone surrogate in it.
    """
    found, whole = _read_fast(text)
    if not whole:
        found = _read_exactly(text)
    if text.count(b"[") + text.count(b"{") > max_depth and _reaches(found, max_depth):
        raise Malformed(_TOO_DEEP)
    if not whole:
        _check_texts(found)
    return found


def _read_fast(text: bytes) -> tuple[Any, bool]:
    """What most bodies are, and whether it could be read so."""
    if _has_inexact(text):
        return None, False
    try:
        return orjson.loads(text), True
    except orjson.JSONDecodeError:
        return None, False  # the other reader tells a lone surrogate from no JSON


def _read_exactly(text: bytes) -> Any:
    try:
        return json.loads(
            text.decode("utf-8-sig"),
            parse_int=_integer,
            parse_float=_decimal,
            parse_constant=_no_constant,
        )
    except RecursionError as error:
        raise Malformed(_TOO_DEEP) from error
    except ValueError as error:
        raise Malformed("The body is not valid JSON") from error


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS + 1:
        raise Malformed(_TOO_LONG)
    return int(text)


def _decimal(text: str) -> Decimal:
    if len(text) > MAX_DIGITS + 8:
        raise Malformed(_TOO_LONG)
    try:
        number = Decimal(text)
    except InvalidOperation as error:  # an exponent beyond what Decimal holds
        raise Malformed(_TOO_FAR) from error
    if abs(number.adjusted()) > MAX_EXPONENT:  # as an integer it would fill the memory
        raise Malformed(_TOO_FAR)
    return number


def _reaches(value: Any, depth: int) -> bool:
    """Whether arrays and objects stand deeper in one another than that."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(depth):
        level = [
            item
            for one in level
            for item in (one.values() if type(one) is dict else one)
            if type(item) in _NESTING
        ]
        if not level:
            return False
    return True


def _check_texts(value: Any) -> None:
    """Raises Invalid for a lone surrogate, in a key too."""
    if isinstance(value, str):
        if not well_formed(value.replace("\x00", "")):
            raise Invalid("The body has a character that cannot be stored")
    elif isinstance(value, list):
        for item in value:
            _check_texts(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_texts(key)
            _check_texts(item)


_SAID = {"extra_forbidden": "Not a key that this request takes"}


def read_shape(given: dict[str, Any], model: type[M]) -> M:
    """A body as its model.  Raises Invalid: {errors: [{loc, msg, type}]}."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        problems: list[Json] = [
            {
                "loc": [str(part)[:100] for part in problem["loc"]],
                "msg": _SAID.get(problem["type"], problem["msg"]),
                "type": problem["type"],
            }
            for problem in error.errors(include_url=False, include_input=False)[:50]
        ]
        raise Invalid(errors=problems) from error


def json_reply(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Reply:
    return Reply(status, orjson.dumps(value), headers or {})
