"""Waiting for the database without holding the event loop up.

Code that commits is plain synchronous code: a rebuild and the command line run it as
it is.  A server runs it in greenlets on its event loop, and wherever such code would
wait, the loop gets the turn.  Threads instead fight over the interpreter, which every
call into the database gives away (docs/performance.md, Threads and turns).

Outside `begin` everything here blocks, as a call of its kind does.
"""

import asyncio
import select
import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

import psycopg
from greenlet import getcurrent, greenlet
from psycopg.abc import PQGen
from psycopg.waiting import Ready, Wait

T = TypeVar("T")


def begin(function: Callable[[], None]) -> None:
    """Runs a function on the running loop, up to its first wait; it may not raise."""
    greenlet(function).switch()


def pause(seconds: float) -> None:
    """Lets others run for a while; 0 for whoever is ready."""
    me = getcurrent()
    if me.parent is None:
        time.sleep(seconds)
        return
    asyncio.get_running_loop().call_later(seconds, me.switch)
    me.parent.switch()


def elsewhere(function: Callable[[], T]) -> T:
    """What a function gives that cannot give its turn away: it runs in a thread."""
    me = getcurrent()
    if me.parent is None:
        return function()
    future = asyncio.get_running_loop().run_in_executor(None, function)
    future.add_done_callback(lambda _: me.switch())
    me.parent.switch()
    return future.result()


class Connection(psycopg.Connection[Any]):
    """A synchronous connection that gives its turn away while it waits."""

    _poll: "select.poll | None" = None

    def wait(self, gen: PQGen[T], *args: Any, **options: Any) -> T:
        """Runs a generator of psycopg that asks for the socket to be ready."""
        if getcurrent().parent is None:
            return super().wait(gen, *args, **options)
        try:
            wanted = next(gen)
            while True:
                try:
                    ready = self._ready(wanted)
                except BaseException as error:  # a lost connection: it has to clean up
                    wanted = gen.throw(error)
                else:
                    wanted = gen.send(ready)
        except StopIteration as end:
            return cast(T, end.value)

    def _ready(self, wanted: Wait) -> Ready:
        """Waits until the socket is ready for what is wanted."""
        pgconn = self.pgconn
        if wanted == Wait.RW and pgconn.pipeline_status:
            # a pipeline asks before each statement: what the socket has no room for
            # yet libpq keeps, and the next statement is made while it waits there
            return self._now(Wait.RW) or Ready.W
        while True:
            # nothing comes back of what is only half sent
            unsent = pgconn.flush() == 1
            asked = Wait.RW if unsent else wanted
            ready = self._now(asked) or _later(pgconn.socket, asked)
            if ready & wanted:
                return ready

    def _now(self, wanted: Wait) -> Ready | None:
        """What the socket is ready for already."""
        if self._poll is None:
            self._poll = select.poll()
        self._poll.register(self.pgconn.socket, _EVENTS[wanted])
        found = self._poll.poll(0)
        return _ready(found[0][1]) if found else None


def _ready(events: int) -> Ready:
    if not events & select.POLLOUT:
        return Ready.R  # an error or a hang-up is read as well
    return Ready.RW if events & ~select.POLLOUT else Ready.W


def _later(socket: int, wanted: Wait) -> Ready:
    """What the socket gets ready for, once it is."""
    me, loop = getcurrent(), asyncio.get_running_loop()
    if wanted & Wait.R:
        loop.add_reader(socket, me.switch, Ready.R)
    if wanted & Wait.W:
        loop.add_writer(socket, me.switch, Ready.W)
    try:
        return cast(Ready, cast(greenlet, me.parent).switch())
    finally:
        loop.remove_reader(socket)
        loop.remove_writer(socket)


_EVENTS = {
    Wait.R: select.POLLIN,
    Wait.W: select.POLLOUT,
    Wait.RW: select.POLLIN | select.POLLOUT,
}
