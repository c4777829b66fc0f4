"""The workspace of programs' events: for everybody as if it did not exist."""

import pytest

from commands.embedded import DatabaseUrls
from commands.unit import Origin, Unit
from domain.events import Actor
from domain.foreign import AppendForeign, ForeignAppended
from domain.ids import FOREIGN, INSTANCE
from tests.client import Client
from tests.commands.tenant import a_committer, plain_reply

STREAM = "33333333-3333-4333-8333-333333333333"


@pytest.fixture(scope="module", autouse=True)
def _an_event_of_a_program(database: DatabaseUrls) -> None:
    event = ForeignAppended(STREAM, None, 1, "Ordered", "{}", "utf8")
    committer = a_committer(database.app)
    committer.start()
    committer.submit_and_wait(
        Unit(
            FOREIGN,
            Origin(Actor("system", INSTANCE), "system", "request-1"),
            [AppendForeign([event])],
            plain_reply,
        )
    )
    committer.stop()


@pytest.mark.parametrize(
    "path",
    [
        f"/workspaces/{FOREIGN}",
        f"/workspaces/{FOREIGN}/members",
        f"/bases?workspace_id={FOREIGN}",
        f"/events?workspace_id={FOREIGN}",
    ],
)
def test_it_is_not_found_like_one_that_never_was(client: Client, path: str):
    never_was = "00000000-0000-4000-8000-00000000abcd"
    found = client.get(path)
    other = client.get(path.replace(FOREIGN, never_was))

    assert found.status_code == other.status_code == 404
    assert found.json() == other.json()


def test_nothing_is_made_in_it(client: Client):
    answer = client.post("/bases", json={"workspace_id": FOREIGN, "name": "Mine"})

    assert answer.status_code == 404


def test_it_is_in_nobodys_list(client: Client):
    listed = client.get("/workspaces").json()

    assert FOREIGN not in str(listed)
