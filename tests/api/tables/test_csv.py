"""CSV: the rows of JSON, in a file that runs nothing."""

import csv
import io
from concurrent.futures import ThreadPoolExecutor

import pytest

ROWS = 2_500


@pytest.fixture(scope="module")
def many(teller, rest):
    table = teller.table(
        "Name", {"name": "Price", "type": "number"}, {"name": "On", "type": "checkbox"}
    )
    for start in range(0, ROWS, 500):
        teller.records(
            table["id"],
            *(
                {
                    "Name": None if number % 7 == 0 else f"Row {number % 100}",
                    "Price": None if number % 5 == 0 else number % 300,
                    "On": number % 2 == 0,
                }
                for number in range(start, start + 500)
            ),
        )
    return rest(teller, table)


def cell(value):
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"limit": 1000, "page": 2},
        {"price__gte": 100, "sort": "name", "limit": 50},
        {"sort": "price", "direction": "desc", "limit": 600},
        {"name": "Nobody"},
        {"page": 999},
    ],
    ids=str,
)
def test_a_page_has_the_rows_of_the_same_page_as_json(many, query):
    rows = many.body(query)["data"]
    header, *lines = many.lines({**query, "format": "csv"})

    assert header == ["id", "name", "price", "on"]
    assert lines == [[cell(one) for one in row.values()] for row in rows]


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"sort": "name"},
        {"sort": "name", "direction": "desc"},
        {"sort": "price", "direction": "desc", "price__neq": "7"},
        {"on": "true", "sort": "on"},
    ],
    ids=str,
)
def test_all_has_the_rows_of_all_pages_in_their_order(many, query):
    pages = []
    for page in (1, 2, 3):
        pages += many.lines({**query, "format": "csv", "limit": 1000, "page": page})[1:]
    header, *lines = many.lines({**query, "format": "csv", "limit": "all"})

    assert header == ["id", "name", "price", "on"]
    assert lines == pages
    assert len({line[0] for line in lines}) == len(lines)


def test_all_is_streamed_and_one_moment(many):
    reply = many.ask({"format": "csv", "limit": "all"})

    assert "content-length" not in reply.headers
    assert reply.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert reply.headers["content-disposition"].startswith("attachment; filename=")
    assert reply.text.count("\r\n") == ROWS + 1


def test_all_is_for_csv_alone(many):
    reply = many.ask({"limit": "all"})

    assert reply.status_code == 400
    assert reply.json()["limit"] == ["A valid integer is required."]


def test_all_of_nothing_is_a_header(many):
    assert many.lines({"format": "csv", "limit": "all", "name": "Nobody"}) == [
        ["id", "name", "price", "on"]
    ]


@pytest.mark.parametrize("query", [{"format": "csv"}, {"format": "xml"}])
def test_what_is_refused_is_json(many, query):
    reply = many.ask({**query, "nope": "1", "limit": "all"})

    assert reply.status_code == 400
    assert reply.headers["content-type"] == "application/json"
    assert "content-disposition" not in reply.headers


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\uff1d1", "a;=1", "a\n=1"]


def test_a_text_is_never_a_formula_and_json_has_it_as_it_is(teller, rest):
    table = teller.table("=Name", {"name": "N", "type": "number"})
    rows = [{"=Name": text, "N": -5} for text in FORMULAS]
    teller.records(table["id"], *rows)
    asked = rest(teller, table)

    assert asked.column("name") == FORMULAS
    for query in ({"format": "csv"}, {"format": "csv", "limit": "all"}):
        header, *lines = asked.lines(query)
        assert header == ["id", "name", "n"]
        assert [line[1] for line in lines] == [
            *("'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\t'=1", "' =1", "'\uff1d1"),
            *("a;'=1", "a\n'=1"),
        ]
        assert {line[2] for line in lines} == {"-5"}


def test_quotes_commas_and_lines_come_back_as_they_were(teller, rest):
    table = teller.table("Name")
    texts = ['say "hi"', "a,b", "a\r\nb", "ä, ö", "'quoted'", " padded "]
    teller.records(table["id"], *({"Name": text} for text in texts))
    reply = rest(teller, table).ask({"format": "csv"})

    found = list(csv.reader(io.StringIO(reply.text, newline="")))
    assert [line[1] for line in found[1:]] == texts


def test_more_downloads_than_may_be_are_told_to_wait(many, server):
    async def take():
        await server.system.long_reads.acquire()

    async def give():
        server.system.long_reads.release()

    taken = 0
    while not server.system.long_reads.locked():
        server.run(take())
        taken += 1
    try:
        reply = many.ask({"format": "csv", "limit": "all"})
    finally:
        for _ in range(taken):
            server.run(give())

    assert reply.status_code == 503
    assert reply.headers["retry-after"] == "1"
    assert reply.json()["error"] == "Too many downloads are under way; try again"
    assert many.ask({"format": "csv", "limit": "all"}).status_code == 200


def test_several_downloads_at_once_are_whole(many):
    with ThreadPoolExecutor(3) as pool:
        query = {"format": "csv", "limit": "all"}
        texts = list(pool.map(lambda _: many.ask(query).text, range(3)))

    assert {text.count("\r\n") for text in texts} == {ROWS + 1}


def test_any_json_is_json_in_a_cell(teller, rest):
    table = teller.table("Name", {"name": "Any", "type": "json"})
    values = [{"b": ["x"], "a": 1.5}, ["x", "y"], "text", None]
    teller.records(table["id"], *({"Any": one} for one in values))

    for limit in ("10", "all"):
        header, *lines = rest(teller, table).lines({"format": "csv", "limit": limit})
        cells = [line[header.index("any")] for line in lines]
        assert cells == ['{"a":1.5,"b":["x"]}', '["x","y"]', '"text"', ""]
