"""One embedded Postgres: made once, started, adopted, stopped.

All of it lies in `<data_dir>/postgres`, the socket included; `postgres.log` stands
beside.  Callers hold the start lock (see `commands/embedded/__init__.py`) around
`ensure_running` and `stop`, so that no two processes do either at once.

As root the server runs as another user, who may not be able to enter the folders
above the cluster (root's home is closed to all others).  It is started inside the
cluster and calls it `/proc/self/cwd`: the kernel follows that link without asking for
rights on the way, so the data stays where it was asked for and no mode is changed.
"""

import contextlib
import hashlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import quote

from commands.embedded.configuration import (
    ADMISSION,
    DATABASE,
    PORT,
    SETTINGS,
    SUPERUSER,
    identities,
)
from commands.embedded.errors import EmbeddedPostgresError
from commands.embedded.programs import Account, account_for, programs_for

if TYPE_CHECKING:
    import psycopg

READY_SECONDS = 120.0  # recovery of 2 GB of log on a slow disk
IN_USE_SECONDS = 10.0  # for what a killed server left behind to go away
FAST_STOP_SECONDS = 4.0  # then it is stopped at once, and the next start recovers
POLL_SECONDS = 0.01
LOG_BYTES = 16 * 1024 * 1024  # a longer log is put aside at the next start
SOCKET_PATH_BYTES = 107  # the kernel's limit; macOS has 103
DRAFT = "postgres-draft."
LINUX = sys.platform == "linux"

_STILL_IN_USE = re.compile(r"still in use|lock file .* already exists")
_HOPELESS = re.compile(r"authentication failed|Permission denied|does not exist")


class Cluster:
    """The Postgres of one data directory, as this process sees it."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.resolve()
        self.folder = self.data_dir / "postgres"
        self.given_up = threading.Event()  # ends every wait for the server
        self._log_file = self.data_dir / "postgres.log"
        # by these a process is known as the server, or one of its children, of this
        # cluster and no other; the name stands in the children's titles
        self._mark = f"tabellion.cluster={self.folder}"
        digest = hashlib.sha256(os.fsencode(self.folder)).hexdigest()
        self._name = f"tabellion-{digest[:12]}"
        self._process: subprocess.Popen[bytes] | None = None
        self._descriptor: int | None = None

    def running(self) -> int | None:
        """The pid of this cluster's server, whoever started it."""
        if self._process is not None and self._process.poll() is None:
            return self._process.pid
        pid = self._noted_pid()
        return pid if pid and _runs_with(pid, self._mark) else None

    def ensure_running(self) -> None:
        """Adopts the running server or starts one; returns when it answers.

        Raises EmbeddedPostgresError with the server's last words.
        """
        with _told(self.data_dir):
            connection = self._adopted() or self._started()
        import psycopg

        from commands.embedded.roles import provide_database

        try:
            with connection:
                provide_database(connection)
        except psycopg.Error as error:
            raise EmbeddedPostgresError(
                f"Postgres was not made ready: {error}"
            ) from error

    def ensure_made(self) -> None:
        """Makes the cluster unless it is there."""
        with _told(self.data_dir):
            if not (self.folder / "PG_VERSION").exists():
                self._make()

    def stop(self) -> None:
        """Stops the server, in order if it can be done in time; leaves none behind."""
        for order, seconds in (
            (signal.SIGINT, FAST_STOP_SECONDS),  # fast: clients are sent away
            (signal.SIGQUIT, 2.0),  # immediate
            (signal.SIGKILL, 1.0),
        ):
            pid = self.running()
            if pid is None:
                break
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, order)
            deadline = time.monotonic() + seconds
            while self.running() is not None and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)
        self._end_orphans()
        self.forget()

    def forget(self) -> None:
        """Lets go of the server; if it runs, it goes on for others."""
        if self._process is not None and self._process.poll() is None:
            self._process.returncode = 0  # not ours to wait for: Popen would warn
        self._process = None
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def url(self, role: str, database: str = DATABASE) -> str:
        """A libpq URL that stays good across restarts of the server.

        Its host is the cluster's folder.  Where that is too long for a socket, or has
        the comma by which libpq parts hosts, it is this process's open descriptor of
        the folder, good for as long as this process lives.
        """
        host = os.fsencode(self.folder)
        longest = SOCKET_PATH_BYTES - len(f"/.s.PGSQL.{PORT}")
        if len(host) > longest or b"," in host:
            if self._descriptor is None:
                self._descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
            host = f"/proc/{os.getpid()}/fd/{self._descriptor}".encode()
        return (
            f"postgresql://{role}@/{database}?host={quote(host, safe='')}&port={PORT}"
        )

    def _make(self) -> None:
        """Runs initdb under another name first, so that half a cluster is none."""
        for leftover in self.data_dir.glob(DRAFT + "*/"):
            shutil.rmtree(leftover)
        account = account_for(self.folder)
        draft = Path(tempfile.mkdtemp(prefix=DRAFT, dir=self.data_dir))
        try:
            if account.is_another:
                os.chown(draft, account.user, account.group)
            done = subprocess.run(
                [
                    programs_for(account) / "initdb",
                    f"--pgdata={_called(draft, account)}",
                    f"--username={SUPERUSER}",
                    "--auth=peer",
                    "--encoding=UTF8",
                    # Unicode's case rules in full, the same on every machine; rows
                    # are ordered by code point
                    "--locale=C",
                    "--locale-provider=builtin",
                    "--builtin-locale=PG_UNICODE_FAST",
                    # one call for all of its thousand files, where the system has it
                    f"--sync-method={'syncfs' if LINUX else 'fsync'}",
                    "--no-instructions",
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
                **_inside(draft, account),
            )
            if done.returncode:
                words = done.stdout.decode(errors="replace").strip()
                raise EmbeddedPostgresError(f"initdb in {self.data_dir}:\n{words}")
            draft.rename(self.folder)
            _flush(self.data_dir)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _adopted(self) -> "psycopg.Connection[Any] | None":
        """A superuser's connection to the server that runs; None when none does."""
        import psycopg  # 0.15 s, while a server that was just started gets ready

        deadline = time.monotonic() + READY_SECONDS
        while self.running() is not None:
            try:
                return psycopg.connect(
                    self.url(SUPERUSER, "postgres"), autocommit=True, connect_timeout=5
                )
            except psycopg.OperationalError as error:
                if _HOPELESS.search(str(error)):
                    raise EmbeddedPostgresError(str(error)) from error
                if time.monotonic() > deadline:
                    raise EmbeddedPostgresError(
                        f"Postgres has not answered for {READY_SECONDS:.0f} s: {error}"
                    ) from error
            if self.given_up.wait(POLL_SECONDS):
                raise EmbeddedPostgresError("stopped while Postgres was starting")
        return None

    def _started(self) -> "psycopg.Connection[Any]":
        """A superuser's connection to a new server."""
        deadline = time.monotonic() + IN_USE_SECONDS
        while True:
            with self._opened_log() as log:
                before = log.seek(0, os.SEEK_END)
                self._launch(log)
                if connection := self._adopted():
                    return connection
                log.seek(before)
                words = log.read().decode(errors="replace").strip()
            if not _STILL_IN_USE.search(words) or time.monotonic() > deadline:
                raise EmbeddedPostgresError(f"Postgres did not start:\n{words}")
            self._end_orphans()
            time.sleep(0.1)

    def _opened_log(self) -> BinaryIO:
        if self._log_file.exists() and self._log_file.stat().st_size > LOG_BYTES:
            self._log_file.replace(self._log_file.with_suffix(".log.1"))
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
        return open(os.open(self._log_file, flags, 0o600), "a+b")

    def _launch(self, log: BinaryIO) -> None:
        account = account_for(self.folder)
        program = programs_for(account) / "postgres"
        self._drop_reused_pid()
        self._configure(account)
        called = _called(self.folder, account)
        name = f"cluster_name={self._name}"
        self._process = subprocess.Popen(
            [program, "-D", called, "-c", name, "-c", self._mark],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # Ctrl-C and a TERM to our group are for us, who have to drain first
            start_new_session=True,
            **_inside(self.folder, account),
        )

    def _configure(self, account: Account) -> None:
        """Writes what Postgres reads at its start.

        The folder is another user's when we are root, so nothing in it is opened for
        writing (it might be a link): each file is made outside and moved in.
        """
        users = {os.geteuid(), self.data_dir.stat().st_uid, 0}
        names = {_user_name(user) for user in users}
        for name, text in (
            ("postgresql.conf", SETTINGS),
            ("pg_hba.conf", ADMISSION),
            ("pg_ident.conf", identities(names)),
        ):
            descriptor, draft = tempfile.mkstemp(prefix=DRAFT, dir=self.data_dir)
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                if account.is_another:
                    os.chown(descriptor, account.user, account.group)
            os.replace(draft, self.folder / name)

    def _drop_reused_pid(self) -> None:
        """Removes the lock files of a dead server whose pid another process has now.

        Postgres itself tells a dead pid, but not a reused one, and would not start.
        """
        pid = self._noted_pid()
        if pid is None or not Path(f"/proc/{pid}").exists():
            return
        for name in ("postmaster.pid", f".s.PGSQL.{PORT}.lock"):
            (self.folder / name).unlink(missing_ok=True)

    def _end_orphans(self) -> None:
        """Ends the children of a server that was killed.

        Most see it and go; one in the midst of a long query would not, and no new
        server starts before the last has gone.  Nothing is lost by it: what they
        committed stands in the log, and the memory they share is given up anyway.
        """
        title = f"postgres: {self._name}:".encode()
        for entry in Path("/proc").glob("[1-9]*"):
            with contextlib.suppress(OSError):
                if (entry / "cmdline").read_bytes().startswith(title):
                    os.kill(int(entry.name), signal.SIGQUIT)

    def _noted_pid(self) -> int | None:
        try:
            return int((self.folder / "postmaster.pid").read_text().split("\n")[0])
        except (FileNotFoundError, ValueError):
            return None


@contextlib.contextmanager
def _told(data_dir: Path) -> Iterator[None]:
    """Errors of the machine as errors of the embedded Postgres."""
    try:
        yield
    except OSError as error:
        raise EmbeddedPostgresError(
            f"the embedded Postgres in {data_dir}: {error}"
        ) from error


def _flush(folder: Path) -> None:
    """Brings a rename in `folder` to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _called(folder: Path, account: Account) -> str:
    """What `account` calls the folder it is started in."""
    return "/proc/self/cwd" if account.is_another and LINUX else str(folder)


def _inside(folder: Path, account: Account) -> dict[str, Any]:
    """Popen's arguments to run as `account` inside `folder`.

    Python changes the folder before it changes the user.
    """
    place = {"cwd": folder, "env": {"LC_ALL": "C", "PATH": os.defpath}}
    if not account.is_another:
        return place
    return place | {"user": account.user, "group": account.group, "extra_groups": []}


def _runs_with(pid: int, argument: str) -> bool:
    """Whether process `pid` was started with `argument`; a zombie has none."""
    if LINUX:
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            return False
        return os.fsencode(argument) in line.split(b"\0")
    told = subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)],
        capture_output=True,
        check=False,
    )
    return told.stdout.rstrip().endswith(os.fsencode(argument))


def _user_name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        raise EmbeddedPostgresError(
            f"Postgres needs a name for user {user} in the machine's user list:"
            " add one, or set TABELLION_DATABASE_URL"
        ) from None
