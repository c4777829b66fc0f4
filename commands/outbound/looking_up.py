"""Looking up names, in threads of its own.

A look-up cannot be taken back, and how long it takes is up to whoever runs the name's
server.  On the loop's threads it would keep waiting what the process needs them for:
passwords are hashed there, and the database is found.
"""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TypeAlias

LookUp: TypeAlias = Callable[[str], Awaitable[Sequence[str]]]
"""The addresses of a host, one at least, as the resolver orders them.
Raises OSError where there are none."""

MOST = 32  # look-ups at a time


class SystemResolver:
    """The system's resolver, asked by so many threads at most."""

    def __init__(self, most: int = MOST) -> None:
        self._free = asyncio.Semaphore(most)

    async def __call__(self, host: str) -> Sequence[str]:
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        found: asyncio.Future[Sequence[str]] = loop.create_future()
        # no one waits at the process's end for a thread that is a daemon
        thread = threading.Thread(
            target=self._look_up, args=(host, loop, found), daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:  # there are too many
            self._free.release()
            raise OSError("no thread to look up a name") from error
        return await found

    def _look_up(
        self,
        host: str,
        loop: asyncio.AbstractEventLoop,
        found: asyncio.Future[Sequence[str]],
    ) -> None:
        addresses: Sequence[str] = ()
        error: OSError | None = None
        try:
            addresses = addresses_of(host)
        except OSError as raised:
            error = raised
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(self._done, found, addresses, error)

    def _done(
        self,
        found: asyncio.Future[Sequence[str]],
        addresses: Sequence[str],
        error: OSError | None,
    ) -> None:
        # only now: who asked may have gone, but the thread had its place until here
        self._free.release()
        if found.done():
            return
        if error is not None:
            found.set_exception(error)
        else:
            found.set_result(addresses)


def addresses_of(host: str) -> Sequence[str]:
    """Raises OSError."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # what Python does not take for a name
        raise OSError("no name") from error
    return list(dict.fromkeys(str(one[4][0]) for one in found))
