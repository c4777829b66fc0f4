"""Connections to addresses that were judged, for httpcore2, which is imported here.

httpcore2 hands over a host and a port and speaks TLS itself, with the URL's host for
the certificate.  What it gets is a connection to one of the addresses that the guard
saw: nothing looks the name up again.
"""

import asyncio
import ssl
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from typing import Any

import httpcore2

from commands.outbound.errors import Unreachable
from commands.outbound.guard import Guard
from commands.outbound.looking_up import LookUp
from commands.outbound.urls import Address

ATTEMPTS = 3  # addresses of a host that are tried
ATTEMPT_SECONDS = 4.0  # for each but the last
PIECE = 16 * 1024  # bytes read at a time: the loop has other things to do

SocketOptions = Iterable[
    tuple[int, int, int]
    | tuple[int, int, bytes | bytearray]
    | tuple[int, int, None, int]
]


class TooMuch(Exception):
    """More came than is read"""


class Guarded(httpcore2.AsyncNetworkBackend):
    """Connects to what the guard allows.  `most`: bytes read after each write."""

    def __init__(self, guard: Guard, look_up: LookUp, most: int) -> None:
        self._guard, self._look_up, self._most = guard, look_up, most
        self._plain = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: SocketOptions | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Raises Refused, Unreachable, httpcore2's errors."""
        addresses = self._guard.check(host, port, await self._addresses(host))
        *others, last = in_turn(addresses)[:ATTEMPTS]
        for address in others:
            try:
                stream = await self._connect(address, port, ATTEMPT_SECONDS)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
            return Metered(stream, self._most)
        return Metered(await self._connect(last, port, timeout), self._most)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: SocketOptions | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        raise Unreachable("There is no way to a file")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _addresses(self, host: str) -> Sequence[str]:
        try:
            ip_address(host)
        except ValueError:
            pass
        else:
            return [host]
        try:
            found = await self._look_up(host)
        except OSError as error:
            raise Unreachable(f"{host} was not found") from error
        if not found:
            raise Unreachable(f"{host} has no address")
        return found

    async def _connect(
        self, address: Address, port: int, timeout: float | None
    ) -> httpcore2.AsyncNetworkStream:
        # numbers: there is nothing in them that could be looked up
        return await self._plain.connect_tcp(str(address), port, timeout)


def in_turn(addresses: Sequence[Address]) -> Sequence[Address]:
    """The first of each family first, so that a family without a way is not all that
    is tried; else as they are."""
    firsts = {one.version: one for one in reversed(addresses)}.values()
    return [*(one for one in addresses if one in firsts)] + [
        one for one in addresses if one not in firsts
    ]


class Metered(httpcore2.AsyncNetworkStream):
    """A connection on which no more than `most` bytes are read for one request."""

    def __init__(self, stream: httpcore2.AsyncNetworkStream, most: int) -> None:
        self._stream, self._most = stream, most
        self._left = most

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._left <= 0:
            raise TooMuch
        most = min(max_bytes, PIECE, self._left)
        piece = await self._stream.read(most, timeout)
        self._left -= len(piece)
        return piece

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._left = self._most
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        try:
            stream = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:  # the time is over: the library leaves it open then
            await self._stream.aclose()
            raise
        return Metered(stream, self._most)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
