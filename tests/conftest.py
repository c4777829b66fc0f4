"""What tests of every level share: a database, a wired system, a running server.

One embedded cluster a process: with `pytest -n`, one a worker.
"""

import gc
import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import psycopg
import pytest

from commands.embedded import DatabaseUrls
from commands.embedded import database as embedded
from commands.embedded.cluster import Cluster
from commands.embedded.configuration import SUPERUSER
from commands.migrate import migrate
from commands.settings import PREFIX, Settings
from commands.system import System, build
from domain.ids import WorkspaceId
from projections import log
from tests.client import Client, Server, running_server

Recorded = list[dict[str, Any]]
ROLES = ("viewer", "commenter", "editor", "admin")


def pytest_collection_finish() -> None:
    """What collecting thousands of tests made stays: it need not be looked at again by
    every collection of garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings that nothing outside the tests has a say in."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    return Settings(
        _env_file=None,
        data_dir=tmp_path_factory.mktemp("tabellion"),
        secret_key=secrets.token_hex(32),
        rate_limits=False,
    )


@pytest.fixture(scope="session")
def database(settings: Settings) -> Iterator[DatabaseUrls]:
    """A migrated database, for as long as the tests run.

    It waits for no disk, which only the loss of the machine would show.  The tests of
    tests/process start clusters of their own, as they are."""
    with embedded(settings) as urls:
        superuser = Cluster(settings.data_dir).url(SUPERUSER)
        with psycopg.connect(superuser, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        migrate(urls)
        yield urls


@pytest.fixture
async def system(settings: Settings, database: DatabaseUrls) -> AsyncIterator[System]:
    """The wired system, running: for tests marked `anyio`."""
    system = build(settings, database)
    await system.start()
    yield system
    await system.stop()


@pytest.fixture(scope="session")
def server(settings: Settings, database: DatabaseUrls) -> Iterator[Server]:
    """PyBase behind real HTTP, one a process, on a port that was free."""
    with running_server(settings, database) as server:
        yield server


@pytest.fixture
def environment(
    database: DatabaseUrls, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variables by which the command line finds the tests' database."""
    for name, value in (
        ("DATABASE_URL", database.app),
        ("OWNER_DATABASE_URL", database.owner),
        ("FOLLOWER_DATABASE_URL", database.follower),
        ("SECRET_KEY", settings.secret_key.get_secret_value()),
        ("DATA_DIR", str(settings.data_dir)),
    ):
        monkeypatch.setenv(f"TABELLION_{name}", value)


@pytest.fixture(scope="session")
def recorded_events(database: DatabaseUrls) -> Callable[..., Recorded]:
    """`recorded_events(workspace_id, after=0)`: the ledger's envelopes, `data` read."""

    def recorded_events(workspace_id: str, after: int = 0) -> Recorded:
        with psycopg.connect(database.app) as connection:
            log.see(connection, workspace_id)
            pages = log.read(connection, WorkspaceId(workspace_id), after)
            return [
                {**one.json(), "data": one.recorded.event.data()}
                for page in pages
                for one in page
            ]

    return recorded_events


@pytest.fixture
def anonymous(server: Server) -> Iterator[Client]:
    """A caller without a token."""
    with Client(server.url) as client:
        yield client


@pytest.fixture(scope="session")
def client(server: Server) -> Iterator[Client]:
    """A signed-in user that tests share; its workspaces are the tests' own."""
    with Client(server.url) as client:
        yield client.register("Ada")


@pytest.fixture(scope="session")
def stranger(server: Server) -> Iterator[Client]:
    """Another one, who is a member of none of them."""
    with Client(server.url) as client:
        yield client.register("Mallory")


@pytest.fixture
def newcomer(server: Server) -> Iterator[Client]:
    """A user of this test alone, with nothing yet."""
    with Client(server.url) as client:
        yield client.register("Grace")


@pytest.fixture(scope="session")
def team(server: Server) -> Iterator[dict[str, Client]]:
    """A user a role; `member` lets them into a workspace."""
    clients = {role: Client(server.url).register(role.title()) for role in ROLES}
    yield clients
    for one in clients.values():
        one.close()


@pytest.fixture(scope="module")
def member(client: Client, team: dict[str, Client]) -> Callable[[str, str], Client]:
    """`member(workspace_id, role)`: a user who has this role there."""

    def member(workspace_id: str, role: str) -> Client:
        client.add_member(workspace_id, team[role], role)
        return team[role]

    return member
