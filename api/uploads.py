"""Bodies of `multipart/form-data`: small fields, and one file that goes to the disk.

The file is written as it comes in and is never in memory whole; its digest stands for
it wherever the body would (idempotency keys), for a boundary is another one each time.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, BinaryIO

import orjson
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from api.http import PayloadTooLarge, Request, UnsupportedMediaType
from domain.errors import Busy, Invalid, Malformed
from domain.values import well_formed

MAX_FIELDS = 50
MAX_FIELD_BYTES = 1 << 20  # of all fields together
_HEADER_BYTES = 8192  # of one part's
_FRAME_BYTES = 1 << 20  # that a body may have around its file and fields


@dataclass(frozen=True)
class Form:
    """The fields of a form by name, and its file: as it was called, its size in bytes,
    the content type that it was declared as, the SHA-256 of it in hexadecimal."""

    fields: Mapping[str, str]
    filename: str
    size: int
    type: str
    digest: str


async def read_form(request: Request, name: str, file: BinaryIO, limit: int) -> Form:
    """Reads a request's form; the part called `name` goes into `file`.

    Sets `request.body` to bytes that every request with this form has.  Raises
    Malformed, Invalid, UnsupportedMediaType, and PayloadTooLarge where the file has
    more than `limit` bytes.
    """
    if request.parts is None:
        raise RuntimeError("a route that reads a form was declared without one")
    kind, options = parse_options_header(request.headers.get(b"content-type", b""))
    if kind != b"multipart/form-data":
        raise UnsupportedMediaType("The body must be multipart/form-data")
    boundary = options.get(b"boundary")
    if not boundary:
        raise Malformed("The body's boundary is not told")
    length = request.headers.get(b"content-length", b"0")
    most = limit + MAX_FIELD_BYTES + _FRAME_BYTES
    if length.isdigit() and int(length[:19]) > most:
        raise PayloadTooLarge(limit=limit)
    reading, size = _Reading(name, file, limit), 0
    try:
        parser = MultipartParser(boundary, reading.callbacks())
        async for part in request.parts:
            size += len(part)
            if size > most:
                raise PayloadTooLarge(limit=limit)
            parser.write(part)
            await asyncio.sleep(0)
    except FormParserError as error:
        raise Malformed("The body is no multipart/form-data") from error
    except OSError as error:
        raise Busy("The server has no room for the file") from error
    form = reading.form()
    request.body = orjson.dumps([sorted(form.fields.items()), reading.digest])
    return form


@dataclass
class _Part:
    headers: dict[bytes, bytes] = field(default_factory=dict)
    name: str = ""
    filename: str | None = None
    value: bytearray = field(default_factory=bytearray)


class _Reading:
    """What the parser tells, part by part."""

    def __init__(self, name: str, file: BinaryIO, limit: int) -> None:
        self._name, self._file, self._limit = name, file, limit
        self._part = _Part()
        self._header, self._value = bytearray(), bytearray()
        self._header_bytes = self._field_bytes = self._size = 0
        self._fields: dict[str, str] = {}
        self._filename: str | None = None
        self._type = ""
        self._ended = False
        self._hash = sha256()

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._named,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._finish,
        }

    def form(self) -> Form:
        """Raises Malformed where the body's end is missing, Invalid without a file."""
        if not self._ended:
            raise Malformed("The body ends in the middle")
        if self._filename is None:
            raise Invalid(
                errors=[
                    {"loc": [self._name], "msg": "Field required", "type": "missing"}
                ]
            )
        self._file.flush()
        return Form(self._fields, self._filename, self._size, self._type, self.digest)

    def _begin(self) -> None:
        self._part = _Part()
        self._header_bytes = 0

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._count_header(end - start)
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._count_header(end - start)
        self._value += data[start:end]

    def _count_header(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > _HEADER_BYTES:
            raise Malformed("A part of the body has too long a header")

    def _header_end(self) -> None:
        self._part.headers[bytes(self._header).lower()] = bytes(self._value)
        self._header, self._value = bytearray(), bytearray()

    def _named(self) -> None:
        part = self._part
        said = part.headers.get(b"content-disposition", b"")
        kind, options = parse_options_header(said)
        if kind != b"form-data" or b"name" not in options:
            raise Malformed("A part of the body has no name")
        part.name = _text(options[b"name"])
        if part.name != self._name:
            if part.name in self._fields or len(self._fields) >= MAX_FIELDS:
                raise Malformed("The form has a field twice, or too many of them")
            return
        if self._filename is not None:
            raise Invalid("The form has more than one file")
        self._filename = _text(options.get(b"filename", b""))
        self._type = part.headers.get(b"content-type", b"").decode("latin-1")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._part.name != self._name:
            self._field_bytes += end - start
            if self._field_bytes > MAX_FIELD_BYTES:
                raise PayloadTooLarge("The form's fields are too large")
            self._part.value += data[start:end]
            return
        self._size += end - start
        if self._size > self._limit:
            raise PayloadTooLarge("The file is too large", limit=self._limit)
        part = data[start:end]
        self._hash.update(part)
        self._file.write(part)

    def _end(self) -> None:
        if self._part.name != self._name:
            self._fields[self._part.name] = _text(bytes(self._part.value))

    def _finish(self) -> None:
        self._ended = True


def _text(value: bytes) -> str:
    try:
        found = value.decode()
    except UnicodeDecodeError as error:
        raise Malformed("The form has a field that is not UTF-8") from error
    if not well_formed(found):
        raise Invalid("The form has a character that cannot be stored")
    return found
