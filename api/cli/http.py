"""A small HTTP client for the verbs that work through the API as anyone would: one
kept connection, JSON in and out, the standard library alone."""

import http.client
import json
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import urlencode, urlsplit

PREFIX = "/api/v1"
IDLE_SECONDS = 2.0  # well below the five after which servers give a connection up
MOST_WAITS = 5
_PART = 1 << 16


class Unreachable(Exception):
    """Nobody answers there"""


class Refused(Exception):
    """The server said no"""

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        try:
            self.detail = str(json.loads(body)["detail"])
        except (ValueError, KeyError, TypeError):
            self.detail = f"the server answered {status}"
        super().__init__(self.detail)


@dataclass(frozen=True)
class Reply:
    """`headers` are in lower case; `seconds` from asking to the last byte read."""

    method: str
    path: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Calls one server; the paths come after its prefix.

    No request is ever sent twice, but for one that was answered 429: it had no effect.
    """

    def __init__(self, url: str, *, timeout: float = 60, prefix: str = PREFIX) -> None:
        parts = urlsplit(url if "//" in url else f"http://{url}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Unreachable(f"{url} is not the address of a server")
        secure = parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        try:
            port = parts.port
        except ValueError as error:
            raise Unreachable(f"{url} is not the address of a server") from error
        self.url = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self.token = ""
        self.requests = 0
        self.waited = 0.0  # seconds that the rate limit asked for
        self._prefix = parts.path.rstrip("/") + prefix
        self._connection = kind(parts.hostname, port, timeout=timeout)
        self._used_at = 0.0

    def close(self) -> None:
        self._connection.close()

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """The reply, whatever its status.  Raises Unreachable.

        A query's value that is no string or number is sent as JSON.
        """
        target = path if not query else f"{path}?{_query(query)}"
        for _ in range(MOST_WAITS):
            reply = self._once(method, target, body, headers or {})
            if reply.status != 429:
                break
            told = reply.headers.get("retry-after", "")
            seconds = min(int(told), 60) if told.isdecimal() else 1
            self.waited += seconds
            time.sleep(seconds)
        return reply

    def upload(
        self,
        path: str,
        file: BinaryIO,
        fields: Mapping[str, str],
        *,
        headers: Mapping[str, str] | None = None,
        sent: Callable[[int], None] = lambda size: None,
    ) -> Reply:
        """The reply to a form with a file, read as it is sent; `sent` hears of each
        part's bytes.  Raises Unreachable."""
        boundary = secrets.token_hex(16)
        head = b"".join(
            _part(boundary, f'name="{name}"') + value.encode() + b"\r\n"
            for name, value in fields.items()
        )
        head += _part(boundary, 'name="file"; filename="file"')
        tail = f"\r\n--{boundary}--\r\n".encode()
        size = os.fstat(file.fileno()).st_size

        def content() -> Iterator[bytes]:
            yield head
            while part := file.read(_PART):
                yield part
                sent(len(part))
            yield tail

        return self._once(
            "POST",
            path,
            None,
            {
                "content-type": f"multipart/form-data; boundary={boundary}",
                "content-length": str(len(head) + size + len(tail)),
                **(headers or {}),
            },
            content(),
        )

    def lines(
        self, path: str, query: Mapping[str, object], headers: Mapping[str, str]
    ) -> Iterator[bytes]:
        """The lines of a reply without an end, as they come; ends where it is cut off.

        Raises Refused with any other reply than 200, Unreachable where none comes.
        """
        sent = {"authorization": f"Bearer {self.token}", **headers}
        self._connection.close()
        try:
            target = f"{self._prefix}{path}?{_query(query)}"
            self._connection.request("GET", target, headers=sent)
            response = self._connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            told = str(error) or type(error).__name__
            raise Unreachable(f"{self.url} does not answer: {told}") from error
        try:
            if response.status != 200:
                raise Refused(response.status, response.read())
            while line := response.readline():
                yield line
        except (OSError, http.client.HTTPException):
            return
        finally:
            self._connection.close()

    def _once(
        self,
        method: str,
        target: str,
        body: object,
        headers: Mapping[str, str],
        content: Iterable[bytes] | bytes | None = None,
    ) -> Reply:
        sent = {"accept": "application/json", **headers}
        if self.token:
            sent["authorization"] = f"Bearer {self.token}"
        if body is not None:
            sent["content-type"] = "application/json"
            content = json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
        if time.monotonic() - self._used_at > IDLE_SECONDS:
            self._connection.close()  # the next request opens it again
        started = time.perf_counter()
        try:
            self._connection.request(method, self._prefix + target, content, sent)
            response = self._connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            told = str(error) or type(error).__name__
            raise Unreachable(f"{self.url} does not answer: {told}") from error
        self._used_at = time.monotonic()
        self.requests += 1
        return Reply(
            method,
            target,
            response.status,
            {name.lower(): value for name, value in response.getheaders()},
            text,
            time.perf_counter() - started,
        )


def _part(boundary: str, disposition: str) -> bytes:
    """The head of a form's part."""
    said = f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n"
    return said.encode()


def _query(values: Mapping[str, object]) -> str:
    return urlencode(
        {
            name: value if isinstance(value, str | int) else json.dumps(value)
            for name, value in values.items()
        }
    )
