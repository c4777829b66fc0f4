"""`tabellion doctor` where something is wrong: nobody does what follows the commits, or
a file cannot be found."""

import sys
from collections.abc import Iterator
from types import SimpleNamespace

import psycopg
import pytest
from typer.testing import CliRunner, Result

from api.cli import app
from commands.embedded import DatabaseUrls
from commands.system import new_id
from domain.facts import File
from domain.file import UploadFile
from tests.commands.tenant import Tenant
from tests.sealing import seal_all
from tests.workers.deliveries.desk import Webhook, a_desk

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("environment")]
ADVICE = "does anybody work? tabellion work has to run"


@pytest.fixture
def wired(
    database: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, str]]:
    """Followers by what they are: of the settings are the first two."""
    names = {one: f"{one}-{new_id()}" for one in ("late", "new", "unwired")}
    ours = [SimpleNamespace(name=names[one]) for one in ("late", "new")]
    monkeypatch.setattr("workers.followers.followers", lambda *_: ours)
    with psycopg.connect(database.owner, autocommit=True) as owner:
        for one in ("late", "unwired"):
            owner.execute("INSERT INTO ledger.positions VALUES (%s, 0)", [names[one]])
        yield names
        for name in names.values():
            owner.execute("DELETE FROM ledger.positions WHERE follower = %s", [name])


def examined() -> Result:
    return CliRunner().invoke(app, ["doctor"], catch_exceptions=False)


def words(result: Result) -> str:
    return " ".join(result.stdout.split())


def test_followers_of_the_settings_that_are_late_or_never_ran_are_missing(
    database: DatabaseUrls,
    tenant: Tenant,
    wired: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
):
    tenant.table("Name")
    seal_all(database)
    monkeypatch.setattr(sys.modules["api.cli.doctor"], "LATE_SECONDS", 0)

    result = examined()

    told = words(result)
    assert result.exit_code == 1
    assert f"missing follower {wired['late']} is " in told
    assert f"missing follower {wired['new']} has never run: {ADVICE}" in told
    assert f"missing follower {wired['unwired']}" not in told


async def test_deliveries_that_nobody_sends_are_missing(database: DatabaseUrls):
    async with a_desk(database):
        webhook = Webhook(database)
        await webhook.add(webhook.delivery(3))
        assert "have been due" not in words(examined())

        await webhook.set("due_at = now() - interval '90 s'")
        result = examined()
        assert result.exit_code == 1
        told = words(result)
        assert "missing deliveries to webhooks have been due for 9" in told
        assert ADVICE in told

        await webhook.ask(
            "UPDATE hooks.receivers SET told_at = now()"
            " WHERE webhook_id = %(webhook)s::uuid"
        )
        assert "have been due" not in words(examined())


def test_a_file_whose_hash_is_none_is_told_as_all_else_is(
    tenant: Tenant, database: DatabaseUrls
):
    odd = File(new_id(), "a", "text/plain", 1, "no hash")
    tenant.do(UploadFile(odd))
    seal_all(database)

    result = examined()

    assert result.exit_code == 1
    told = "missing the content 'no hash' cannot be found: no SHA-256 in hexadecimal"
    assert told in words(result)
