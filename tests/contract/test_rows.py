"""Every promise of the checklist that is delivered has a test named after it.

`test_a_031_…` is A-031; `test_a_112_to_114_…`, `test_a_055_and_056_…` are several.
A is PyBase, B is Table REST, whose rows have a last digit beyond 9: `test_b_03a_…`; E
is the headless CMS, of both kinds: `test_e_070_to_07a_…`.
"""

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

# the checklist's numbers, by its sections
DELIVERED = {
    "global": chain(range(1, 10), [11]),
    "health": [20],
    "auth": range(30, 34),
    "users": range(40, 45),
    "workspaces": range(50, 57),
    "bases": range(60, 66),
    "tables": range(70, 75),
    "fields": range(80, 88),
    "types of fields": range(100, 127),
    "values": range(140, 151),
    "records": range(160, 177),
    "operators": range(180, 193),
    "views": chain(range(200, 208), range(210, 217)),
    "constraints": range(330, 343),
    "errors": range(350, 358),
    "webhooks": range(360, 371),
}
# the same of Table REST: all of it
OF_TABLE_REST = (
    *(f"00{last}" for last in "123"),
    *(f"01{last}" for last in "01234"),
    *(f"02{last}" for last in "01234"),
    *(f"03{last}" for last in "0123456789a"),
    *(f"04{last}" for last in "0123456789ab"),
    *(f"05{last}" for last in "0123456789ab"),
    "060",
    *(f"07{last}" for last in "012345678"),
    *(f"08{last}" for last in "0123456789abcd"),
)
# the same of the headless CMS: all of it
OF_CMS = (
    *("001", "002", "003", "010", "011", "012", "020", "021"),
    *("030", "031", "032", "033", "040", "041", "042"),
    *(f"05{last}" for last in "0123456"),
    *(f"06{last}" for last in "0123"),
    *(f"07{last}" for last in "0123456789a"),
    *(f"08{last}" for last in "01234567"),
    *(f"09{last}" for last in "01234567"),
    *(f"10{last}" for last in "0123"),
    *(f"11{last}" for last in "0123456"),
)
# nothing to be seen: no operation that is documented needs a constraint to be enforced
NOWHERE = {354}


def numbers(name: str) -> Iterator[int]:
    """The rows that a test's name says it is about."""
    last = 0
    for word, digits in re.findall(r"_(to_A|and_A|to|and|A)_(\d{3})(?=_)", name, re.I):
        if word.lower().startswith("to"):
            yield from range(last + 1, int(digits))
        last = int(digits)
        yield last


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("test_a_031_login", [31]),
        ("test_A_112_to_114_x", [112, 113, 114]),
        ("test_A_210_to_A_212_x", [210, 211, 212]),
        ("test_A_003_and_042_to_044_x", [3, 42, 43, 44]),
        ("test_A_116_url_A_117_email_in_5", [116, 117]),
    ],
)
def test_a_name_says_its_rows(name, rows):
    assert list(numbers(name)) == rows


def test_every_row_that_is_delivered_has_a_test():
    text = "".join(path.read_text() for path in TESTS.rglob("test_*.py"))
    names = re.findall(r"^(?:async )?def (test_a_\d{3}_\w+)", text, re.M | re.I)
    tested = {row for name in names for row in numbers(name)}
    promised = set(chain.from_iterable(DELIVERED.values()))

    assert promised - tested - NOWHERE == set()


def test_every_row_of_table_rest_has_a_test():
    text = "".join(path.read_text() for path in TESTS.rglob("test_*.py"))
    tested = re.findall(r"^def test_b_(\d\d[\da-f])_\w+", text, re.M)

    assert set(OF_TABLE_REST) - set(tested) == set()


def rows_of_cms(name: str) -> Iterator[str]:
    """The rows of the CMS that a test's name says it is about."""
    last = ""
    for word, row in re.findall(r"_(to_e|and_e|to|and|e)_(\d\d[\da-f])(?=_)", name):
        if word.startswith("to"):
            yield from OF_CMS[OF_CMS.index(last) + 1 : OF_CMS.index(row)]
        last = row
        yield row


def test_a_name_of_the_cms_says_its_rows():
    assert list(rows_of_cms("test_e_078_to_080_and_092_x")) == [
        *("078", "079", "07a", "080", "092")
    ]


def test_every_row_of_the_cms_has_a_test():
    text = "".join(path.read_text() for path in TESTS.rglob("test_*.py"))
    names = re.findall(r"^(?:async )?def (test_e_\d\d\w+)", text, re.M)

    assert set(OF_CMS) - {row for name in names for row in rows_of_cms(name)} == set()
