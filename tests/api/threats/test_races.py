"""Rows 37 and 38 over HTTP: many at once, and all or nothing."""

import threading
import time
import unicodedata
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count

import pytest

from commands import gather
from tests.client import made
from workers import uniqueness
from workers.uniqueness import Filler, settling

WRITERS = 8


def statuses(replies):
    return Counter(reply.status_code for reply in replies)


@contextmanager
def meanwhile(work):
    """Does `work(turn)` again and again until the block is left; gives what came."""
    over, came = threading.Event(), []

    def run():
        for turn in count():
            if over.is_set():
                return
            came.append(work(turn))

    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(run)
        try:
            yield came
        finally:
            over.set()
            running.result(20)


def all_of(client, table, field="Name"):
    """The values of a field in every record."""
    found = []
    for offset in count(0, 1000):
        query = f"/records?table_id={table['id']}&limit=1000&offset={offset}"
        items = made(client.get(query))["items"]
        found += [one["fields"].get(field) for one in items]
        if len(items) < 1000:
            return found
    return found


def write_batches(client, table, batches, **more):
    """Every batch at once, eight at a time: the replies in their order."""

    def write(names):
        rows = [{"fields": {"Name": name, **more}} for name in names]
        body = {"table_id": table["id"], "records": rows}
        return client.post("/records/batch", json=body)

    with ThreadPoolExecutor(WRITERS) as threads:
        return list(threads.map(write, batches))


# --------------------------------------------------- row 37: batches and one another


@pytest.mark.parametrize("place", [0, 499, 999])
def test_threat_37_one_bad_record_of_a_thousand_is_named_and_stops_all(
    attack, client, place
):
    table = client.table("Name", {"name": "N", "type": "number"})
    rows = [{"fields": {"Name": f"{n}", "N": n}} for n in range(1000)]
    rows[place] = {"fields": {"Name": "bad", "N": "x"}}
    body = {"table_id": table["id"], "records": rows}

    reply = attack(client, "POST", "/records/batch", expect=422, json=body)

    assert reply.json()["index"] == place
    assert all_of(client, table) == []


def test_threat_37_overlapping_batches_land_whole_or_not_at_all(client):
    table = client.table("Name")
    client.constraint(table["ids"]["Name"])
    batches = [
        [f"n{number}" for number in range(start, start + 20)]
        for start in range(0, 400, 10)
    ]

    replies = write_batches(client, table, batches)

    assert set(statuses(replies)) == {201, 409}
    landed = [
        names
        for names, reply in zip(batches, replies, strict=True)
        if reply.status_code == 201
    ]
    names = all_of(client, table)
    assert sorted(names) == sorted(name for batch in landed for name in batch)
    for batch, reply in zip(batches, replies, strict=True):
        if reply.status_code == 409:
            said = reply.json()
            assert said["code"] == "DUPLICATE_VALUE"
            assert batch[said["index"]] in names


def test_threat_37_updates_of_the_same_records_in_every_order(client):
    """Batches that lock in each other's way: none is refused, none is half there."""
    table = client.table("Name")
    ids = [one["id"] for one in client.records(table["id"], *[{} for _ in range(20)])]

    def write(number):
        order = ids if number % 2 else ids[::-1]
        updates = [
            {"record_id": one, "fields": {"Name": f"by {number}"}} for one in order
        ]
        body = {"table_id": table["id"], "updates": updates}
        return client.patch("/records/batch", json=body)

    with ThreadPoolExecutor(WRITERS) as threads:
        replies = list(threads.map(write, range(40)))

    assert statuses(replies) == {200: 40}
    assert len(set(all_of(client, table))) == 1


def test_threat_37_batches_while_a_field_comes_and_goes(client):
    table = client.table("Name", "More")

    def come_and_go(_turn):
        fields = made(client.get(f"/fields?table_id={table['id']}"))["items"]
        for one in fields:
            if one["name"] == "More":
                return client.delete(f"/fields/{one['id']}")
        body = {"table_id": table["id"], "name": "More", "type": "text"}
        return client.post("/fields", json=body)

    batches = [[f"n{number}"] * 20 for number in range(60)]
    with meanwhile(come_and_go) as changes:
        replies = write_batches(client, table, batches, More="more")

    # without the field its name is one that the table does not know
    assert set(statuses(replies)) <= {201, 409, 422, 503}
    assert set(statuses(changes)) <= {201, 204, 409, 503}
    landed = statuses(replies)[201]
    assert sorted(Counter(all_of(client, table)).values()) == [20] * landed


def test_threat_37_batches_while_a_constraint_is_switched(client):
    """A duplicate is there at the end only where the constraint is off."""
    table = client.table("Name")
    constraint = client.constraint(table["ids"]["Name"])
    path = f"/constraints/{constraint['id']}"

    def switch(turn):
        status = "active" if turn % 2 else "disabled"
        return client.patch(path, json={"status": status})

    batches = [[f"n{number % 50}", f"own {number}"] for number in range(150)]
    with meanwhile(switch) as switches:
        replies = write_batches(client, table, batches)

    assert set(statuses(replies)) <= {201, 409, 503}  # 503: it keeps changing
    assert set(statuses(switches)) <= {200, 409, 503}
    names = all_of(client, table)
    assert len(names) == 2 * statuses(replies)[201]
    if made(client.get(path))["status"] == "active":
        assert len(set(names)) == len(names)


# --------------------------------------------------------------- row 38: one of many


@pytest.mark.parametrize(
    ("type_", "case_sensitive", "values", "winners"),
    [
        ("text", True, ["Ada"], 1),
        ("text", False, ["Ada", "ADA", "ada", "aDA"], 1),
        ("text", True, ["Ada", "ADA", "ada", "aDA"], 4),
        (
            "text",
            True,
            [unicodedata.normalize(form, "Zoë Ångström") for form in ("NFC", "NFD")],
            1,
        ),
        ("number", True, [1, 1.0, 1e0], 1),
    ],
    ids=["the same", "without case", "with case", "NFC and NFD", "1 and 1.0"],
)
def test_threat_38_of_a_hundred_equal_values_at_once_one_wins(
    client, type_, case_sensitive, values, winners
):
    table = client.table({"name": "Name", "type": type_})
    client.constraint(table["ids"]["Name"], case_sensitive=case_sensitive)

    def write(number):
        fields = {"Name": values[number % len(values)]}
        return client.post("/records", json={"table_id": table["id"], "fields": fields})

    with ThreadPoolExecutor(50) as threads:
        replies = list(threads.map(write, range(100)))

    assert statuses(replies) == {201: winners, 409: 100 - winners}
    codes = {one.json()["code"] for one in replies if one.status_code == 409}
    assert codes == {"DUPLICATE_VALUE"}
    assert len(all_of(client, table)) == winners


def test_threat_38_a_constraint_made_under_load_admits_no_duplicate(client):
    """It is refused over duplicates that are there, or it holds from its first day."""
    for _ in range(4):
        table = client.table("Name")
        body = {"field_id": table["ids"]["Name"]}
        batches = [[f"n{number % 25}"] for number in range(50)]

        with meanwhile(
            lambda _, body=body: client.post("/constraints", json=body)
        ) as came:
            replies = write_batches(client, table, batches)

        assert set(statuses(replies)) <= {201, 409}
        assert set(statuses(came)) <= {201, 409, 503}
        names = all_of(client, table)
        assert len(names) == statuses(replies)[201]
        if 201 in statuses(came):
            assert len(set(names)) == len(names)
        else:
            assert len(set(names)) < len(names)


def test_threat_38_a_value_that_many_updates_want_is_one_records(client):
    table = client.table("Name")
    client.constraint(table["ids"]["Name"])
    rows = client.records(table["id"], *[{"Name": f"{n}"} for n in range(50)])

    def take(row):
        return client.patch(f"/records/{row['id']}", json={"fields": {"Name": "it"}})

    with ThreadPoolExecutor(25) as threads:
        replies = list(threads.map(take, rows))

    assert statuses(replies) == {200: 1, 409: 49}
    assert all_of(client, table).count("it") == 1


def test_threat_38_a_constraint_that_is_filled_under_load_admits_no_duplicate(
    server, client, monkeypatch
):
    """Writers say the same hundred values all the while: before, as long as it is
    pending, and after."""
    monkeypatch.setattr(gather, "AT_ONCE", 20)
    monkeypatch.setattr(uniqueness, "REST", 0.0)
    table = client.table("Name")
    client.records(table["id"], *[{"Name": f"n{number}"} for number in range(50)])
    constraint = client.constraint(table["ids"]["Name"])
    filler = Filler(server.system.urls.app, settling(server.system), rows=5)

    def write(turn):
        row = {"table_id": table["id"], "fields": {"Name": f"n{turn % 100}"}}
        return client.post("/records", json=row)

    with meanwhile(write) as replies, meanwhile(write) as others:
        while len(others) < 5:
            time.sleep(0.01)
        while server.run(filler.round()):
            pass
        while len(others) < 120:
            time.sleep(0.01)

    assert made(client.get(f"/constraints/{constraint['id']}"))["status"] == "active"
    assert set(statuses([*replies, *others])) <= {201, 409, 423}
    assert 423 in statuses([*replies, *others])
    names = all_of(client, table)
    assert len(set(names)) == len(names)
