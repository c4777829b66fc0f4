"""A batch of all kinds and a server that is killed while it commits."""

import threading
import time

import httpx2
import pytest

from tests.client import Client, made
from tests.killing.server import serving

FIELDS = 200


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("batch") / "data") as server:
        yield server


def operations(base_id):
    """A table, many fields, and a record of each."""
    table = {"base_id": base_id, "name": "Wide"}
    yield {"method": "POST", "path": "/tables", "body": table, "ref": "table"}
    for number in range(FIELDS):
        field = {"table_id": "$table.id", "name": f"F{number}", "type": "text"}
        yield {"method": "POST", "path": "/fields", "body": field}
        record = {"table_id": "$table.id", "fields": {f"F{number}": "x"}}
        yield {"method": "POST", "path": "/records", "body": record}


def test_a_server_killed_in_the_middle_has_all_of_it_or_nothing(server):
    answers = []
    with Client(server.url) as client:
        base = client.register().base()
        workspace_id = base["workspace_id"]
        before = client.position(workspace_id)
        body = {
            "workspace_id": workspace_id,
            "operations": list(operations(base["id"])),
        }

        def commit():
            try:
                answers.append(client.post("/batch", json=body).is_success)
            except httpx2.HTTPError:
                answers.append(False)

        committing = threading.Thread(target=commit)
        committing.start()
        time.sleep(0.7)
        server.kill_server()
        committing.join(60)
        server.wait(60)

        with Client(server.url) as again:
            again.headers["authorization"] = client.headers["authorization"]
            listed = made(again.get("/tables", params={"base_id": base["id"]}))
            written = again.position(workspace_id) - before
            assert (listed["total"], written) in ((0, 0), (1, 1 + 2 * FIELDS))
            assert written or answers == [False]
            one = f"--workspace={workspace_id}"
            checked = server.run("replay", "--check", one)
            assert checked.returncode == 0, checked.stdout + checked.stderr
            if not written:
                assert len(made(again.post("/batch", json=body))["results"]) == 401
