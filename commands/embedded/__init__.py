"""The database: the one that the settings name, or an embedded Postgres.

Every process that uses the embedded one holds a shared lock on `<data_dir>/lock` and
restarts the server when it dies.  Who leaves last stops it.  A process that is
killed leaves the server running; the next one adopts it.  Starting and stopping
happen under `<data_dir>/start.lock`.
"""

import fcntl
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from commands.embedded.cluster import Cluster
from commands.embedded.configuration import APP, FOLLOWER, OWNER
from commands.embedded.errors import EmbeddedPostgresError
from commands.settings import Settings

__all__ = ["DatabaseUrls", "EmbeddedPostgresError", "database"]

WATCH_SECONDS = 0.2  # how soon a dead server is noticed
RETRY_SECONDS = 1.0
# who leaves holds the start lock for an instant; who has it longer is starting the
# server and will use it
LEAVE_SECONDS = 1.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DatabaseUrls:
    """libpq URLs of one database, by role; the three may be one."""

    owner: str = field(repr=False)
    app: str = field(repr=False)
    follower: str = field(repr=False)
    embedded: bool


@contextmanager
def database(settings: Settings) -> Iterator[DatabaseUrls]:
    """The URLs of a database that answers, for as long as the block runs.

    Raises EmbeddedPostgresError when the embedded one cannot be started.  A database
    that the settings name is not touched, not even looked at.
    """
    if settings.database_url is None:
        with _embedded(settings.data_dir) as cluster:
            yield DatabaseUrls(
                owner=cluster.url(OWNER),
                app=cluster.url(APP),
                follower=cluster.url(FOLLOWER),
                embedded=True,
            )
    else:
        yield DatabaseUrls(
            owner=settings.owner_database_url or settings.database_url,
            app=settings.database_url,
            follower=settings.follower_database_url or settings.database_url,
            embedded=False,
        )


@contextmanager
def _embedded(data_dir: Path) -> Iterator[Cluster]:
    """The cluster of `data_dir`, running, watched, and stopped by who leaves last."""
    cluster = Cluster(data_dir)
    try:
        cluster.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        holding = os.open(cluster.data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise EmbeddedPostgresError(f"the data directory: {error}") from error
    watch = threading.Thread(
        target=_keep_running, args=[cluster], name="embedded-postgres", daemon=True
    )
    try:
        with _start_lock(cluster):
            fcntl.flock(holding, fcntl.LOCK_SH)
            cluster.ensure_made()
            cluster.ensure_running()
        watch.start()
        yield cluster
    finally:
        cluster.given_up.set()
        if watch.ident is not None:
            watch.join()
        try:
            _leave(cluster, holding)
        finally:
            os.close(holding)


def _leave(cluster: Cluster, holding: int) -> None:
    """Stops the server, unless others hold it or are about to."""
    try:
        with _start_lock(cluster, patience=LEAVE_SECONDS):
            fcntl.flock(holding, fcntl.LOCK_EX | fcntl.LOCK_NB)
            cluster.stop()
    except BlockingIOError:
        cluster.forget()


def _keep_running(cluster: Cluster) -> None:
    """Starts the server again whenever it is gone, until the cluster is given up."""
    pause = WATCH_SECONDS
    while not cluster.given_up.wait(pause):
        pause = WATCH_SECONDS
        if cluster.running() is not None:
            continue
        _log.warning("the embedded Postgres is gone; starting it again")
        try:
            with _start_lock(cluster, patience=RETRY_SECONDS):
                cluster.ensure_running()
        except BlockingIOError:
            continue  # another process is at it
        except EmbeddedPostgresError:
            _log.exception("the embedded Postgres could not be started again")
            pause = RETRY_SECONDS


@contextmanager
def _start_lock(cluster: Cluster, patience: float | None = None) -> Iterator[None]:
    """Alone in starting and stopping.

    Raises BlockingIOError when another process has not let go within `patience`
    seconds.
    """
    path = cluster.data_dir / "start.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if patience is None:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        else:
            _lock_within(patience, descriptor)
        yield
    finally:
        os.close(descriptor)


def _lock_within(seconds: float, descriptor: int) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.02)
