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

MOST = 64  # look-ups at a time

_Found: TypeAlias = "Sequence[str] | OSError"


class SystemResolver:
    """The system's resolver, asked by so many threads at most; who asks for a host that
    is being looked up waits for the same answer."""

    def __init__(self, most: int = MOST) -> None:
        self._free = asyncio.Semaphore(most)
        self._under_way: dict[str, asyncio.Task[_Found]] = {}

    async def __call__(self, host: str) -> Sequence[str]:
        task = self._under_way.get(host)
        if task is None:
            task = self._under_way[host] = asyncio.create_task(self._find(host))
            task.add_done_callback(lambda _: self._under_way.pop(host))
        # who gives up leaves it to the others, and the thread to its end
        found = await asyncio.shield(task)
        if isinstance(found, OSError):
            raise OSError(f"{host} was not found") from found
        return found

    async def _find(self, host: str) -> _Found:
        async with self._free:
            loop = asyncio.get_running_loop()
            done: asyncio.Future[_Found] = loop.create_future()

            def look_up() -> None:
                try:
                    found: _Found = addresses_of(host)
                except OSError as error:
                    found = error
                with suppress(RuntimeError):  # the loop is closed
                    loop.call_soon_threadsafe(settle, found)

            def settle(found: _Found) -> None:
                if not done.done():
                    done.set_result(found)

            try:  # nobody waits at the process's end for a thread that is a daemon
                threading.Thread(target=look_up, daemon=True).start()
            except RuntimeError as error:  # there are too many
                return OSError(str(error))
            return await done


def addresses_of(host: str) -> Sequence[str]:
    """Raises OSError."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # what Python does not take for a name
        raise OSError("no name") from error
    return list(dict.fromkeys(str(one[4][0]) for one in found))
