"""`tabellion followers` and `doctor` say where a follower stands still."""

from collections.abc import Iterator

import psycopg
import pytest
from typer.testing import CliRunner

from api.cli import app
from commands.embedded import DatabaseUrls

WORKSPACE = "11111111-1111-7111-8111-111111111111"
STANDS = f"someone stands still in workspace {WORKSPACE}"


@pytest.fixture
def _parked(database: DatabaseUrls, environment: None) -> Iterator[None]:
    """A follower that is parked."""
    with psycopg.connect(database.owner, autocommit=True) as owner:
        owner.execute("INSERT INTO ledger.positions VALUES ('someone', 0)")
        owner.execute(
            "INSERT INTO ledger.followed"
            " (follower, workspace_id, seq, upto, error, parked)"
            " VALUES ('someone', %s, 6, 9, 'position 7: KeyError: what', true)",
            [WORKSPACE],
        )
        yield
        for table in ("positions", "followed"):
            owner.execute(f"DELETE FROM ledger.{table} WHERE follower = 'someone'")


@pytest.mark.usefixtures("_parked")
def test_a_parked_follower_is_told_until_it_goes_on():
    run = CliRunner().invoke
    doctor = run(app, ["doctor"])
    told = " ".join(doctor.stdout.split())
    assert doctor.exit_code == 1
    assert f"missing follower {STANDS}: position 7: KeyError: what" in told
    assert f"followers --resume someone --workspace {WORKSPACE}" in told

    shown = run(app, ["followers"])
    assert shown.exit_code == 1
    assert shown.stdout.endswith(f"{STANDS} at 6 of 9: position 7: KeyError: what\n")

    resumed = run(app, ["followers", "--resume", "someone", "--workspace", WORKSPACE])
    assert resumed.exit_code == 0
    assert resumed.stdout.startswith("someone goes on in 1 workspaces\n")


def test_a_workspace_is_one_of_a_follower_that_is_resumed():
    assert (
        CliRunner().invoke(app, ["followers", "--workspace", WORKSPACE]).exit_code == 2
    )


@pytest.mark.usefixtures("_parked")
def test_a_follower_that_is_resumed_is_one_of_those_there_are():
    answer = CliRunner().invoke(app, ["followers", "--resume", "x"])
    assert answer.exit_code == 2
    told = " ".join(answer.output.replace("│", " ").split())
    assert "no follower is called x; known: " in told
    assert "someone" in told
