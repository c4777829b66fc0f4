"""The record of every workload: eight fields, for the API and for Postgres.

Pure.  One definition serves the server's table, the columns of the yardsticks' tables
and what is written into them, so that all of them store the same thing.
"""

from collections.abc import Iterator
from typing import Any

CHOICES = ("Open", "Waiting", "Closed")
NOTES = "Checked on arrival, shelved and counted again; see the delivery note %d."

FIELDS: list[dict[str, Any]] = [
    {"name": "Name", "type": "text"},
    {"name": "Notes", "type": "long_text"},
    {"name": "Price", "type": "number"},
    {"name": "Qty", "type": "number"},
    {"name": "Done", "type": "checkbox"},
    {"name": "Day", "type": "date"},
    {"name": "At", "type": "datetime"},
    {
        "name": "Status",
        "type": "single_select",
        "options": {"choices": [{"name": one, "color": "blue"} for one in CHOICES]},
    },
]

NAMES = "name, notes, price, qty, done, day, at, status"
COLUMNS = """
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text,
    notes text,
    price numeric,
    qty numeric,
    done boolean,
    day date,
    at timestamptz,
    status text
"""


def row(n: int) -> dict[str, Any]:
    """The n-th record, as the API takes its fields; no two are equal."""
    return {
        "Name": f"Widget {n:09d}",
        "Notes": NOTES % n,
        "Price": n % 1000 + 0.25,
        "Qty": n,
        "Done": n % 2 == 0,
        "Day": f"2024-02-{n % 28 + 1:02d}",
        "At": f"2024-01-01T10:{n // 60 % 60:02d}:{n % 60:02d}Z",
        "Status": CHOICES[n % len(CHOICES)],
    }


def copied(first: int, count: int, *, lines: int = 1000) -> Iterator[bytes]:
    """Rows in COPY's text format, `lines` of them a piece."""
    for start in range(first, first + count, lines):
        end = min(start + lines, first + count)
        yield b"".join(_line(n) for n in range(start, end))


def _line(n: int) -> bytes:
    values = row(n).values()
    return ("\t".join(_text(value) for value in values) + "\n").encode()


def _text(value: object) -> str:
    return ("f", "t")[value] if isinstance(value, bool) else str(value)
