"""What consumers are promised is what the event classes say, and golden events fit."""

from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest

from tests.domain.examples import EXAMPLES
from tests.domain.test_golden import stored
from workers.relay.contract import documents

DOCS = Path(__file__).parents[2] / "docs"


def test_the_files_are_what_the_classes_say():
    """Where not: python -m tools.asyncapi writes them anew."""
    there = {
        f"schemas/{path.name}": path.read_bytes()
        for path in (DOCS / "schemas").iterdir()
    }
    there["asyncapi.json"] = (DOCS / "asyncapi.json").read_bytes()
    assert there == documents(DOCS)


@pytest.mark.parametrize(("type_", "schema"), sorted(EXAMPLES))
def test_every_payload_that_was_ever_stored_fits_its_schema(type_: str, schema: int):
    told = orjson.loads((DOCS / "schemas" / f"{type_}.{schema}.json").read_bytes())
    jsonschema.Draft202012Validator.check_schema(told)
    jsonschema.Draft202012Validator(told).validate(orjson.loads(stored(type_, schema)))


def test_a_payload_with_an_attribute_more_or_less_does_not_fit():
    told = orjson.loads((DOCS / "schemas" / "base.created.2.json").read_bytes())
    payload = orjson.loads(stored("base.created", 2))
    validator = jsonschema.Draft202012Validator(told)
    assert validator.is_valid(payload)
    assert not validator.is_valid({**payload, "more": 1})
    assert not validator.is_valid({**payload, "name": None})
    del payload["name"]
    assert not validator.is_valid(payload)


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if "$ref" in value else []
        return own + [found for one in value.values() for found in references(one)]
    if isinstance(value, list):
        return [found for one in value for found in references(one)]
    return []


def test_every_reference_of_the_document_leads_somewhere():
    document = orjson.loads((DOCS / "asyncapi.json").read_bytes())
    assert document["asyncapi"] == "3.0.0"
    found = references(document)
    assert len(found) > 100
    for one in found:
        there = document
        for name in one.removeprefix("#/").split("/"):
            there = there[name]
        assert there
