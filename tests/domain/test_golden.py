"""The bytes of every event that was ever stored can be read, and stay as they are.

`golden/` has a file for each type and schema number: a payload as the ledger keeps it,
and a line feed.  A file that is there is never edited: what changes gets a higher
schema number, an upcaster and a file of its own.  To print one that is missing, and to
add its sum:

    python -m tests.domain.test_golden record.created > \\
        tests/domain/golden/record.created.1.json
    cd tests/domain/golden && sha256sum record.created.1.json >> SHA256SUMS
"""

import sys
from hashlib import sha256
from pathlib import Path

import orjson
import pytest

from domain import nouns  # noqa: F401 - fill the registry
from domain.events import EVENTS, UPCASTERS, decode
from projections.log import data_of
from tests.domain.examples import EXAMPLES

GOLDEN = Path(__file__).parent / "golden"

CASES = sorted(EXAMPLES)


def name_of(type_: str, schema: int) -> str:
    return f"{type_}.{schema}.json"


def stored(type_: str, schema: int) -> bytes:
    """The payload of a golden file, without the line feed at its end."""
    return (GOLDEN / name_of(type_, schema)).read_bytes().removesuffix(b"\n")


@pytest.mark.parametrize(("type_", "schema"), CASES)
def test_a_stored_event_means_what_it_meant(type_: str, schema: int):
    expected = EXAMPLES[type_, schema]
    payload = orjson.loads(stored(type_, schema))

    assert decode(type_, schema, expected.stream_id, payload) == expected


@pytest.mark.parametrize(("type_", "schema"), CASES)
def test_an_event_is_stored_in_the_very_same_bytes(type_: str, schema: int):
    if schema == EVENTS[type_].SCHEMA:
        assert data_of(EXAMPLES[type_, schema]) == stored(type_, schema)


def test_every_type_and_schema_has_one_golden_file():
    known = {
        (name, schema)
        for name, one in EVENTS.items()
        for schema in range(1, one.SCHEMA + 1)
    }

    assert set(EXAMPLES) == known
    assert {path.name for path in GOLDEN.glob("*.json")} == {
        name_of(*one) for one in known
    }


def test_every_past_schema_has_an_upcaster_and_no_other_has():
    past = {
        (name, schema)
        for name, one in EVENTS.items()
        for schema in range(1, one.SCHEMA)
    }

    assert set(UPCASTERS) == past


def test_no_golden_file_was_edited():
    sums = dict(
        line.split("  ")[::-1]
        for line in (GOLDEN / "SHA256SUMS").read_text().splitlines()
    )
    found = {
        path.name: sha256(path.read_bytes()).hexdigest()
        for path in GOLDEN.glob("*.json")
    }

    assert found == sums


def print_golden(type_: str) -> None:
    """Writes the present payload of a type to standard output, as its file would be."""
    payload = data_of(EXAMPLES[type_, EVENTS[type_].SCHEMA])
    sys.stdout.buffer.write(payload + b"\n")


if __name__ == "__main__":
    print_golden(sys.argv[1])
