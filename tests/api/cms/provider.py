"""A provider of accounts on this machine, over real HTTP: OAuth 2 with PKCE.

It is as strict as a real one: a code is good once, for its redirect and its verifier.
`person` is who signs in next; `failing` says how it misbehaves.
"""

import json
import secrets
import threading
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from pydantic import SecretStr

from commands.settings import Settings
from tests.client import new_id

CLIENT_ID, CLIENT_SECRET = "tabellion-tests", "provider-secret-7f3a9b"
PAGE = "https://app.example.org"


class StandIn:
    """What the provider knows, and what it was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.person: dict[str, Any] = {}
        self.failing: str | None = None
        self.codes: dict[str, dict[str, str]] = {}
        self.tokens: dict[str, dict[str, Any]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []

    def somebody(self, email: str, **more: Any) -> dict[str, Any]:
        """Somebody new signs in next."""
        self.person = {"sub": new_id(), "email": email, "email_verified": True} | more
        self.failing = None
        return self.person

    def settings(self, settings: Settings, **more: Any) -> Settings:
        return settings.model_copy(
            update={
                "public_cms_url": "http://cms.example.org",
                "oauth_authorize_url": f"{self.url}/authorize",
                "oauth_token_url": f"{self.url}/token",
                "oauth_user_url": f"{self.url}/user",
                "oauth_client_id": CLIENT_ID,
                "oauth_client_secret": SecretStr(CLIENT_SECRET),
                "oauth_redirect_origins": (PAGE, "http://localhost:*"),
                **more,
            }
        )

    def authorized(self, address: str) -> dict[str, str]:
        """The query that a browser brings back which was sent to `address`."""
        asked = dict(parse_qsl(urlsplit(address).query))
        assert asked["client_id"] == CLIENT_ID
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def token(self, form: dict[str, str]) -> tuple[int, Any]:
        asked = self.codes.pop(form.get("code", ""), None)
        verifier = form.get("code_verifier", "").encode()
        challenge = urlsafe_b64encode(sha256(verifier).digest()).rstrip(b"=").decode()
        good = (
            asked is not None
            and form.get("client_secret") == CLIENT_SECRET
            and form.get("redirect_uri") == asked["redirect_uri"]
            and challenge == asked["code_challenge"]
        )
        if not good:
            return 400, {"error": "invalid_grant"}
        token = f"provider-token-{secrets.token_urlsafe(16)}"
        self.tokens[token] = self.person
        return 200, {"access_token": token, "token_type": "bearer"}


def _handler(stand_in: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            stand_in.asked.append((parts.path, dict(parse_qsl(parts.query))))
            token = self.headers.get("authorization", "").removeprefix("Bearer ")
            person = stand_in.tokens.get(token)
            if parts.path != "/user" or person is None:
                self._answer(401, {"error": "invalid_token"})
            elif stand_in.failing == "endless":
                self._answer(200, {"sub": "x" * 200_000})
            elif stand_in.failing == "redirect":
                self.send_response(302)
                self.send_header("location", f"{stand_in.url}/elsewhere")
                self.end_headers()
            elif stand_in.failing == "no object":
                self._answer(200, ["somebody"])
            else:
                self._answer(200, person)

        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            form = {
                name: values[0]
                for name, values in parse_qs(self.rfile.read(length).decode()).items()
            }
            stand_in.asked.append((urlsplit(self.path).path, form))
            if stand_in.failing == "down":
                self._answer(503, {"error": "temporarily_unavailable"})
            elif stand_in.failing == "no json":
                self._send(200, b"<html>")
            else:
                self._answer(*stand_in.token(form))

        def _answer(self, status: int, body: Any) -> None:
            self._send(status, json.dumps(body).encode())

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


@contextmanager
def running_provider() -> Iterator[StandIn]:
    """A provider on a free port, for as long as the block runs."""
    stand_in = StandIn("")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(stand_in))
    stand_in.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield stand_in
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def query_of(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query))


def page(path: str = "/in", **query: str) -> str:
    """An address of the page that is allowed."""
    return f"{PAGE}{path}" + (f"?{urlencode(query)}" if query else "")
