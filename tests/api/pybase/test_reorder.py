"""A-085: the order of a table's fields."""

import pytest

from tests.client import ABSENT, made


@pytest.fixture
def table(newcomer):
    return newcomer.table("A", "B", "C", "D")


def reorder(client, table, *names, **more):
    body = {"table_id": table["id"], "field_ids": [table["ids"][n] for n in names]}
    return client.post("/fields/reorder", json={**body, **more})


def names(client, table):
    listed = made(client.get("/fields", params={"table_id": table["id"]}))
    return [one["name"] for one in listed["items"]]


def test_a_085_those_named_come_first(newcomer, table):
    reply = reorder(newcomer, table, "C", "A")

    assert [one["name"] for one in made(reply)] == ["C", "A", "B", "D"]
    assert names(newcomer, table) == ["C", "A", "B", "D"]
    assert reply.headers["x-batch-id"]
    shown = made(newcomer.get(f"/tables/{table['id']}"))
    assert shown["primary_field_id"] == table["ids"]["A"]
    record = newcomer.record(table["id"], A="1")
    assert list(record["fields"]) == ["C", "A", "B", "D"]


def test_a_085_only_the_fields_that_move_are_changed(newcomer, table, happened):
    before = newcomer.position(table["workspace_id"])

    made(reorder(newcomer, table, "B"))
    made(reorder(newcomer, table, "B", "A"))

    assert happened(table["workspace_id"], before) == [
        (
            "field.updated",
            {
                "table_id": table["id"],
                "changes": {"position": {"from": old, "to": new}},
            },
        )
        for old, new in ((1, 0), (0, 1))
    ]


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"field_ids": []}, 422),
        ({"field_ids": "x"}, 422),
        ({"field_ids": None}, 422),
        ({"field_ids": ["x"]}, 400),
        ({"field_ids": [ABSENT]}, 404),
        ({"field_ids": [ABSENT] * 401}, 422),
        ({"table_id": "x"}, 400),
        ({"table_id": ABSENT}, 404),
        ({"table_id": None}, 422),
    ],
    ids=str,
)
def test_a_085_what_is_wrong_is_refused_and_changes_nothing(
    newcomer, table, more, status
):
    assert reorder(newcomer, table, "D", **more).status_code == status
    assert names(newcomer, table) == ["A", "B", "C", "D"]


def test_a_085_a_field_named_twice_and_one_of_another_table_are_refused(
    newcomer, table
):
    other = newcomer.table("Else", base_id=table["base_id"], name="Other")
    foreign = [table["ids"]["D"], other["ids"]["Else"]]

    assert reorder(newcomer, table, "D", "D").status_code == 422
    assert reorder(newcomer, table, field_ids=foreign).status_code == 404
    assert names(newcomer, table) == ["A", "B", "C", "D"]
