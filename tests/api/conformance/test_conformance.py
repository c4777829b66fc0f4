"""Schemathesis says nothing against the surfaces: every check, signed in.

The same requests in every run; `make fuzz` makes more and others.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.client import ABSENT, Client, made

HERE = Path(__file__).parent
EXAMPLES = int(os.environ.get("TABELLION_FUZZ", "0"))  # of each operation

# every type of field whose value a client writes, with a value that it takes
TYPES = {
    "text": "Ada",
    "long_text": "a\nb",
    "number": 1.5,
    "currency": 29.99,
    "percent": 12,
    "checkbox": True,
    "date": "2024-02-29",
    "datetime": "2024-02-29T10:00:00Z",
    "duration": "1:30",
    "single_select": "Open",
    "multi_select": ["Open", "Closed"],
    "url": "https://example.org/",
    "email": "ada@example.org",
    "phone": "+49 30 12345",
    "rating": 3,
    "barcode": "4006381333931",
    "dimension": {"value": 1, "unit": "mm"},
    "gdt": "position",
    "thread": "M8x1.25",
    "material": "Steel",
}
CHOICES = {"choices": [{"name": "Open"}, {"name": "Closed"}]}


@pytest.fixture
def owner(server):
    """A caller whom no other test knows."""
    with Client(server.url) as owner:
        yield owner.register("Schema")


def seeded(owner):
    """The ids of one of each kind of thing, and values of the table's fields."""
    fields = [
        {"name": name, "type": name}
        | ({"options": CHOICES} if name.endswith("_select") else {})
        for name in TYPES
    ]
    table = owner.table(*fields, {"name": "No", "type": "autonumber"})
    link = owner.field(
        table["id"],
        "link",
        "linked_record",
        options={"linked_table_id": table["id"]},
    )
    through = {"linked_field_id": link["id"]}
    named = {**through, "lookup_field_id": table["ids"]["text"]}
    owner.field(table["id"], "lookup", "lookup", options=named)
    summed = {**through, "rollup_field_id": table["ids"]["number"], "function": "SUM"}
    owner.field(table["id"], "rollup", "rollup", options=summed)
    owner.field(table["id"], "formula", "formula", options={"formula": "{number} * 2"})
    owner.field(table["id"], "user", "user")
    owner.field(table["id"], "attachment", "attachment")
    file = owner.upload(table["workspace_id"])
    record = owner.record(table["id"], **TYPES)
    form = owner.view(table["id"], "form", config={"fields": [table["ids"]["text"]]})
    key = made(owner.post("/users/me/api-keys", json={"name": "Sensors"}))
    workspace = made(owner.get(f"/workspaces/{table['workspace_id']}"))
    names = {
        "workspace_slug": workspace["slug"],
        "db_name": made(owner.get(f"/bases/{table['base_id']}"))["db_name"],
        "table_name": table["slug"],
    }
    ids = {
        "workspace": table["workspace_id"],
        "base": table["base_id"],
        "table": table["id"],
        "field": table["ids"]["long_text"],
        "record": record["id"],
        "view": form["id"],
        "constraint": owner.constraint(table["ids"]["barcode"])["id"],
        "api-key": key["id"],
        "attachment": file["id"],
        "user": owner.user["id"],
    }
    values = {
        **TYPES,
        "link": [record["id"]],
        "user": owner.user["id"],
        "attachment": [{"id": file["id"]}, {"url": "https://example.org/a.png"}],
    }
    return {"ids": ids, "values": values, "absent": ABSENT, "names": names}


PYBASE, TABLE_REST = "/openapi.json", "/api/workspace/openapi.json"


def schemathesis(server, owner, folder, document, *options):
    """Runs it in a folder of its own; its exit code and what it said."""
    environment = {
        **os.environ,
        "CONFORMANCE_SEED": json.dumps(seeded(owner)),
        "CONFORMANCE_HOOKS": str(HERE / "hooks.py"),
    }
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        f"--config-file={HERE / 'schemathesis.toml'}",
        "run",
        f"{server.url}{document}",
        f"--header=Authorization: {owner.headers['authorization']}",
        "--no-color",
        *options,
    ]
    done = subprocess.run(
        command,
        cwd=folder,  # it keeps what it found
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.skipif(EXAMPLES > 0, reason="the long run covers it")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("document", [PYBASE, TABLE_REST])
def test_the_surface_is_what_its_document_says(server, owner, tmp_path, document):
    code, said = schemathesis(
        server,
        owner,
        tmp_path,
        document,
        "--phases=coverage,fuzzing",
        "--max-examples=2",
        "--seed=1",
        "--generation-deterministic",
    )

    assert code == 0, said


@pytest.mark.skipif(EXAMPLES == 0, reason="a long run: `make fuzz`")
@pytest.mark.timeout(0)
@pytest.mark.parametrize("document", [PYBASE, TABLE_REST])
def test_the_surface_is_what_its_document_says_for_long(
    server, owner, tmp_path, document
):
    examples = f"--max-examples={EXAMPLES}"
    code, said = schemathesis(server, owner, tmp_path, document, examples)

    assert code == 0, said
