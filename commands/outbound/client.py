"""A call to an address that a user named, and what is heard of it.

httpcore2 alone, without httpx2 above it: that one follows redirects, keeps cookies,
reads proxies from the environment and unpacks replies unless it is told not to.
Imported by the first call: a start is quicker without it.
"""

import asyncio
import re
import ssl
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from commands.outbound.errors import Refused, Unreachable
from commands.outbound.guard import Guard
from commands.outbound.looking_up import LookUp, SystemResolver
from commands.outbound.urls import Target
from commands.settings import Settings

if TYPE_CHECKING:
    import httpcore2

SECONDS = 15.0  # for everything: name, connection, TLS, sending, the whole reply
LARGEST = 64 * 1024  # bytes of a reply's body that are read
_LARGEST_HEAD = 64 * 1024  # bytes
CONNECTIONS = 256  # more than tasks are done at a time: none waits for another's
_IDLE = 16  # connections that are kept
# less than servers commonly keep theirs (5 s): or a call meets one that just closes
_IDLE_SECONDS = 3.0

# what says where a message goes and ends is the client's to say
OURS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    }
)
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"(?:[!-~](?:[ \t!-~]*[!-~])?)?")


@dataclass(frozen=True, slots=True)
class Answer:
    """What was replied.  `head`: by names in lower case; `body`: as it came, packed or
    not, as far as it was read."""

    status: int
    head: Mapping[str, str]
    body: bytes
    seconds: float


class Outbound:
    """The way out of one process; its connections belong to the loop that calls.

    `look_up`, `seconds` and `trusted` (whose certificates are believed) are for tests.
    """

    def __init__(
        self,
        guard: Guard,
        *,
        look_up: LookUp | None = None,
        seconds: float = SECONDS,
        trusted: ssl.SSLContext | None = None,
    ) -> None:
        self.guard = guard
        self._look_up = look_up
        self._seconds, self._trusted = seconds, trusted
        self._pool: httpcore2.AsyncConnectionPool | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(Guard.of(settings))

    async def close(self) -> None:
        if self._pool is not None:
            pool, self._pool = self._pool, None
            await pool.aclose()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Sends `body` to `url`; a redirect is an answer like any other.

        Raises Refused where nothing was sent, Unreachable where nothing, or not all of
        it, came back in time: then it may have arrived or not.
        """
        target = self.guard.target(url)
        named = headers_of(target, headers, body)
        import httpcore2

        from commands.outbound.connecting import TooMuch

        try:
            async with asyncio.timeout(self._seconds):
                return await self._ask(target, named, body)
        except TimeoutError as error:
            raise Unreachable(
                f"There was no whole reply within {self._seconds:g} seconds"
            ) from error
        except TooMuch as error:
            raise Unreachable("The reply's head is too long") from error
        except ssl.SSLError as error:
            raise Unreachable(reason_of(error)) from error
        except (
            httpcore2.NetworkError,
            httpcore2.ProtocolError,
            httpcore2.TimeoutException,
            OSError,
        ) as error:
            raise Unreachable(reason_of(error)) from error

    async def _ask(
        self, target: Target, headers: Sequence[tuple[bytes, bytes]], body: bytes
    ) -> Answer:
        import httpcore2

        from commands.outbound.connecting import TooMuch

        began = asyncio.get_running_loop().time()
        url = httpcore2.URL(
            scheme=target.scheme.encode(),
            host=target.host.encode(),
            port=target.port,
            target=target.path.encode(),
        )
        asked = httpcore2.Request("POST", url, headers=headers, content=body)
        reply = await self._connections().handle_async_request(asked)
        heard = bytearray()
        try:
            async with aclosing(reply.aiter_stream()) as pieces:
                async for piece in pieces:
                    heard += piece
                    if len(heard) >= LARGEST:
                        break
        except TooMuch:  # of what packs little into much: enough was heard
            pass
        finally:
            await reply.aclose()
        return Answer(
            status=reply.status,
            head=head_of(reply.headers),
            body=bytes(heard[:LARGEST]),
            seconds=asyncio.get_running_loop().time() - began,
        )

    def _connections(self) -> "httpcore2.AsyncConnectionPool":
        if self._pool is None:
            import httpcore2

            from commands.outbound.connecting import Guarded

            self._pool = httpcore2.AsyncConnectionPool(
                ssl_context=self._trusted or httpcore2.default_ssl_context(),
                max_connections=CONNECTIONS,
                max_keepalive_connections=_IDLE,
                keepalive_expiry=_IDLE_SECONDS,
                network_backend=Guarded(
                    self.guard,
                    self._look_up or SystemResolver(),
                    LARGEST + _LARGEST_HEAD,
                ),
            )
        return self._pool


def check_header(name: str, value: str) -> None:
    """Raises Refused, where a message cannot have this header, or not from a user."""
    if not _HEADER_NAME.fullmatch(name):
        raise Refused(
            "A header's name has letters, digits and hyphens, no blank and no colon"
        )
    if name.lower() in OURS:
        raise Refused(f"The header {name} is this server's own: leave it out")
    if not _HEADER_VALUE.fullmatch(value):
        raise Refused(
            f"The value of the header {name} has a character beyond visible ASCII, or a"
            " blank at one of its ends"
        )


def headers_of(
    target: Target, headers: Mapping[str, str], body: bytes
) -> Sequence[tuple[bytes, bytes]]:
    """All headers of a message; of one that is there in two spellings the last.

    Raises Refused.
    """
    for name, value in headers.items():
        check_header(name, value)
    ours = {
        "Host": target.authority,
        "User-Agent": "Tabellion",
        "Accept-Encoding": "identity",
        "Content-Length": str(len(body)),
    }
    both = {
        name.lower(): (name, value) for name, value in [*ours.items(), *headers.items()]
    }
    return [(name.encode(), value.encode()) for name, value in both.values()]


def head_of(headers: Sequence[tuple[bytes, bytes]]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


def reason_of(error: BaseException) -> str:
    """What went wrong with a connection, for people; no address is in it."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return f"The certificate is not good: {seen.verify_message}"
        if isinstance(seen, ssl.SSLError):
            return "No TLS connection could be made"
        if isinstance(seen, ConnectionRefusedError):
            return "The connection was refused"
        seen = seen.__cause__ or seen.__context__
    name = type(error).__name__
    if name.startswith("Connect"):
        return "No connection could be made"
    if name == "RemoteProtocolError":
        return "The reply was not one of HTTP, or there was none"
    return "The connection broke off"
