"""Schemathesis says nothing against the surfaces: every check, signed in.

The same requests in every run; `make fuzz` makes more and others.
"""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.api.cms.client import CmsClient
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
        "webhook": owner.webhook(table["id"])["id"],
        "user": owner.user["id"],
    }
    values = {
        **TYPES,
        "link": [record["id"]],
        "user": owner.user["id"],
        "attachment": [{"id": file["id"]}, {"url": "https://example.org/a.png"}],
    }
    return {"ids": ids, "values": values, "absent": ABSENT, "names": names}


# every type of field of the CMS, with a value that it takes
CMS_TYPES = {
    "text": "Ada",
    "textarea": "a\nb",
    "rich_text": "<p>a</p>",
    "number": 42,
    "boolean": True,
    "email": "ada@example.org",
    "url": "https://example.org/",
    "date": "2024-01-01",
    "datetime": "2024-01-01T12:00:00Z",
}


def seeded_content(owner):
    """The same of the CMS."""
    fields = [{"name": name, "type": name.upper()} for name in CMS_TYPES]
    workspace = owner.workspace("Conformance")
    made_type = owner.object_type(*fields, workspace_id=workspace["id"])
    link = {"name": "author", "type": "RELATION", "relation_to_id": made_type["id"]}
    path = f"/object-types/{made_type['id']}"
    made(owner.patch(path, json={"field_definitions": [link]}))
    entry = owner.entry(made_type["id"], **CMS_TYPES)
    ids = {
        "workspace": workspace["id"],
        "object-type": made_type["id"],
        "entry": entry["id"],
    }
    names = {
        "workspace_slug": workspace["slug"],
        "object_type_slug": made_type["slug"],
    }
    return {"ids": ids, "values": CMS_TYPES, "absent": ABSENT, "names": names}


PYBASE, TABLE_REST = "/openapi.json", "/api/workspace/openapi.json"
CMS = "the CMS's"
# the long run does all of it to each; to the CMS this one does a little
SHORT = {
    PYBASE: ("--phases=coverage,fuzzing", "--max-examples=2"),
    TABLE_REST: ("--phases=coverage,fuzzing", "--max-examples=2"),
    CMS: ("--phases=fuzzing", "--max-examples=4"),
}


@contextmanager
def signed_in(server, document):
    """A caller whom no other test knows, what it has, and the document's address."""
    if document == CMS:
        with CmsClient(server.cms_url) as owner:
            seed = seeded_content(owner.register("Schema"))
            yield owner, seed, f"{server.cms_url}/openapi.json"
        return
    with Client(server.url) as owner:
        seed = seeded(owner.register("Schema"))
        yield owner, seed, f"{server.url}{document}"


def schemathesis(server, folder, document, *options):
    """Runs it in a folder of its own; its exit code and what it said."""
    with signed_in(server, document) as (owner, seed, address):
        return run(owner, seed, address, folder, *options)


def run(owner, seed, address, folder, *options):
    environment = {
        **os.environ,
        "CONFORMANCE_SEED": json.dumps(seed),
        "CONFORMANCE_HOOKS": str(HERE / "hooks.py"),
    }
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        f"--config-file={HERE / 'schemathesis.toml'}",
        "run",
        address,
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
@pytest.mark.parametrize("document", [PYBASE, TABLE_REST, CMS])
def test_the_surface_is_what_its_document_says(server, tmp_path, document):
    code, said = schemathesis(
        server,
        tmp_path,
        document,
        *SHORT[document],
        "--seed=1",
        "--generation-deterministic",
    )

    assert code == 0, said


@pytest.mark.skipif(EXAMPLES == 0, reason="a long run: `make fuzz`")
@pytest.mark.timeout(0)
@pytest.mark.parametrize("document", [PYBASE, TABLE_REST, CMS])
def test_the_surface_is_what_its_document_says_for_long(server, tmp_path, document):
    examples = f"--max-examples={EXAMPLES}"
    code, said = schemathesis(server, tmp_path, document, examples)

    assert code == 0, said
