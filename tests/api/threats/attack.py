"""An attack, and what has to hold after every one: the shared rule.

The status is one that is listed; the reply shows nothing of the inside and nothing of
another tenant; no event was recorded; the server answers on; it took no second, on a
machine that had the time: what took one is asked again.
"""

import http.client
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

import httpx2
import psycopg

from tests.client import Client, Json

CANARY = f"canary-{secrets.token_hex(8)}"
SECONDS = 1.0
TRIES = 3  # of them one has to be quick: the machine may be busy

# what only the inside of the server would say
INSIDE = (
    "Traceback",
    'File "',
    '.py"',
    "psycopg",
    "orjson",
    "pydantic",
    "SELECT ",
    "INSERT ",
    "UPDATE ",
    "DELETE FROM",
    "syntax error",
    "SQLSTATE",
    "violates",
    "tabellion_",
    "ledger.",
    "vault.",
    "catalog.",
    "$argon2",
    "127.0.0.1",
    "localhost",
)
_SCHEMA = re.compile(r"\b(?:ws|t|f|c)_[0-9a-f]{32}\b")


@dataclass(frozen=True)
class Victim:
    """Another tenant; every name and value it has is the canary's."""

    client: Client
    workspace_id: str
    table: Json
    ids: dict[str, str]  # one of each kind of thing


class Attack:
    """`attack(caller, method, path, expect=404, …)`: the reply, once it is safe."""

    def __init__(
        self, url: str, ledger: psycopg.Connection[Any], secrets: tuple[str, ...]
    ) -> None:
        self._ledger = ledger
        self._secrets = secrets
        self._witness = Client(url)

    def close(self) -> None:
        self._witness.close()

    def __call__(
        self,
        caller: Client,
        method: str,
        path: str,
        *,
        expect: int | tuple[int, ...],
        **request: Any,
    ) -> httpx2.Response:
        return self._checked(
            lambda: caller.request(method, path, **request),
            expect,
            f"{path} {request}",
        )

    def raw(
        self,
        caller: Client,
        method: str,
        path: str,
        *,
        expect: int | tuple[int, ...],
        **headers: bytes,
    ) -> httpx2.Response:
        """The same with what the client library would not send: as it is given."""
        known = caller.headers.get("authorization")
        sent: dict[str, Any] = {} if known is None else {"authorization": known}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}

        def ask() -> httpx2.Response:
            with closing(
                http.client.HTTPConnection(caller.base_url.netloc.decode())
            ) as raw:
                raw.request(method, f"/api/v1{path}", headers=sent)
                reply = raw.getresponse()
                return httpx2.Response(
                    reply.status, headers=reply.getheaders(), content=reply.read()
                )

        return self._checked(ask, expect, f"{unquote_plus(path[:70_000])} {headers}")

    def _checked(
        self,
        ask: Callable[[], httpx2.Response],
        expect: int | tuple[int, ...],
        sent: str,
    ) -> httpx2.Response:
        listed = (expect,) if isinstance(expect, int) else expect
        for _ in range(TRIES):
            with self.nothing_happens():
                started = time.monotonic()
                reply = ask()
                seconds = time.monotonic() - started
            said = f"{reply.status_code} {reply.text[:500]}"
            assert reply.status_code in listed, said
            self.shows_nothing(reply, sent)
            if seconds < SECONDS:
                return reply
        raise AssertionError(f"it took {seconds:.1f} s, {TRIES} times")

    @contextmanager
    def nothing_happens(self) -> Iterator[None]:
        """No event is recorded meanwhile, and the server is there afterwards."""
        before = self.events()
        yield
        assert self.events() == before
        self.still_there()

    def events(self) -> int:
        found = self._ledger.execute("SELECT sum(seq) FROM ledger.heads").fetchone()
        assert found is not None
        return int(found[0])

    def still_there(self) -> None:
        assert self._witness.get("/health").status_code == 200

    def shows_nothing(self, reply: httpx2.Response, sent: str = "") -> None:
        """A reply without the inside's words, but for those that came with it."""
        said = f"{dict(reply.headers)} {reply.text}"
        shown = [word for word in (*INSIDE, *self._secrets) if word in said]
        assert [word for word in shown if word not in sent] == [], said[:1000]
        assert not _SCHEMA.search(said), said[:1000]


def same_but_for(reply: httpx2.Response, *ids: str) -> tuple[int, Json, str]:
    """A reply as far as it may not tell one thing from another."""
    text = reply.text
    for one in ids:
        text = text.replace(one, "<id>")
    headers = {
        name: value
        for name, value in reply.headers.items()
        if name not in ("date", "x-request-id", "content-length")
    }
    return reply.status_code, headers, text


def resolved(schema: Json, schemas: Json) -> Json:
    """A schema without a reference at its top, or a null beside it."""
    if "$ref" in schema:
        return resolved(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    for one in schema.get("anyOf", ()) if "properties" not in schema else ():
        if one.get("type") != "null":
            return resolved(one, schemas)
    return schema
