"""POST /batch: operations of all kinds, all or none."""

import json
import random
import re
import threading

import psycopg
import pytest

from tests.api.pybase.test_duplicate import problems
from tests.client import ABSENT, PASSWORD, made


def op(method, path, body=None, ref=None):
    return {"method": method, "path": path, "body": body, "ref": ref}


def create(table_id, ref=None, **fields):
    return op("POST", "/records", {"table_id": table_id, "fields": fields}, ref)


def change(record_id, **fields):
    return op("PATCH", f"/records/{record_id}", {"fields": fields})


def send(caller, workspace_id, *operations, **more):
    body = {"workspace_id": workspace_id, "operations": list(operations)}
    return caller.post("/batch", json=body, **more)


def library(workspace_id):
    """A base with two linked tables, records, a view and a constraint, from nothing."""
    title = {"name": "Title", "type": "text"}
    by = {"name": "By", "type": "linked_record"}
    hers = [{"field": "Title", "operator": "contains", "value": "Notes"}]
    return [
        op("POST", "/bases", {"workspace_id": workspace_id, "name": "Library"}, "base"),
        op(
            "POST",
            "/tables",
            {"base_id": "$base.id", "name": "Books", "fields": [title]},
            "books",
        ),
        op("POST", "/tables", {"base_id": "$base.id", "name": "Authors"}, "authors"),
        op(
            "POST",
            "/fields",
            {"table_id": "$authors.id", "name": "Name", "type": "text"},
            "name",
        ),
        op(
            "POST",
            "/fields",
            {
                "table_id": "$books.id",
                "options": {"linked_table_id": "$authors.id", "reverse_name": "Wrote"},
                **by,
            },
            "by",
        ),
        create("$authors.id", "ada", Name="Ada"),
        create("$books.id", "notes", Title="Notes", By=["$ada.id"]),
        op("POST", "/constraints", {"field_id": "$name.id"}, "unique"),
        op(
            "POST",
            "/views",
            {"table_id": "$books.id", "name": "Hers", "filters": hers},
            "view",
        ),
        op("PATCH", "/tables/$books.id", {"name": "Works"}),
        op("PATCH", "/fields/$name.id", {"name": "Called", "required": True}),
        change("$ada.id", **{"$name.id": "Ada L."}),
        create("$books.id", "sketch", Title="Sketch", By=["$ada.id"]),
    ]


@pytest.fixture
def workspace(client):
    return client.workspace()["id"]


@pytest.fixture
def table(client):
    return client.table("Name", {"name": "Count", "type": "number"})


@pytest.fixture(scope="module")
def kept_table(client):
    """The same, for batches of which nothing is taken."""
    return client.table("Name", {"name": "Count", "type": "number"})


def names(caller, table):
    listed = made(caller.get("/records", params={"table_id": table["id"]}))
    return [one["fields"]["Name"] for one in listed["items"]]


# -------------------------------------------------------------- who may, and where


def test_a_batch_is_for_who_is_signed_in(anonymous, workspace):
    assert send(anonymous, workspace, create(ABSENT)).status_code == 401


def test_a_batch_of_anothers_workspace_is_one_of_none(stranger, table):
    operation = create(table["id"], Name="x")

    there = send(stranger, table["workspace_id"], operation)
    nowhere = send(stranger, ABSENT, operation)

    assert there.status_code == nowhere.status_code == 404
    assert (
        there.json() == nowhere.json() == {"detail": "Not found", "code": "NOT_FOUND"}
    )


def test_each_operation_needs_its_own_role(client, table, member):
    workspace_id = table["workspace_id"]
    editor = member(workspace_id, "editor")
    field = {"table_id": table["id"], "name": "More", "type": "text"}

    assert send(editor, workspace_id, create(table["id"], Name="x")).is_success
    before = client.position(workspace_id)
    reply = send(
        editor,
        workspace_id,
        create(table["id"], Name="y"),
        op("POST", "/fields", field),
    )

    assert reply.status_code == 403
    assert reply.json()["index"] == 1
    assert client.position(workspace_id) == before


def test_a_viewer_commits_no_batch(table, member):
    viewer = member(table["workspace_id"], "viewer")

    assert send(viewer, table["workspace_id"], create(table["id"])).status_code == 403


def test_a_role_that_an_operation_takes_away_is_gone_for_the_next(
    client, table, member, team
):
    workspace_id = table["workspace_id"]
    admin = member(workspace_id, "admin")
    people = made(client.get(f"/workspaces/{workspace_id}/members"))
    own = next(one["id"] for one in people if one["user"]["id"] == admin.user["id"])

    reply = send(
        admin,
        workspace_id,
        op("PATCH", f"/workspaces/{workspace_id}/members/{own}", {"role": "viewer"}),
        create(table["id"], Name="x"),
    )

    assert reply.status_code == 403
    assert reply.json()["index"] == 1
    assert send(admin, workspace_id, create(table["id"], Name="x")).is_success


def test_a_key_needs_the_scope_of_each_operation(client, table, server):
    key = made(client.post("/users/me/api-keys", json={"scopes": ["write"]}))["key"]
    by_key = {"authorization": "", "x-api-key": key}
    workspace_id = table["workspace_id"]
    field = {"table_id": table["id"], "name": "More", "type": "text"}

    first = send(client, workspace_id, create(table["id"], Name="x"), headers=by_key)
    second = send(client, workspace_id, op("POST", "/fields", field), headers=by_key)

    assert first.is_success
    assert second.status_code == 403
    assert second.json() == {
        "detail": "The API key's scopes do not allow this",
        "code": "FORBIDDEN",
        "index": 0,
    }


def test_an_operation_of_ones_other_workspace_is_refused(client, table):
    other = client.table("Name")

    for operation in (
        create(other["id"], Name="x"),
        op("POST", "/bases", {"workspace_id": other["workspace_id"], "name": "x"}),
        op("PATCH", f"/workspaces/{other['workspace_id']}", {"name": "x"}),
    ):
        reply = send(client, table["workspace_id"], operation)
        assert reply.status_code == 422
        assert reply.json() == {
            "detail": "The operation is of another workspace than its batch",
            "code": "VALIDATION_ERROR",
            "index": 0,
        }


def test_anothers_table_is_in_a_batch_what_it_is_alone(client, stranger, table):
    theirs = stranger.table("Name")

    reply = send(client, table["workspace_id"], create(theirs["id"], Name="x"))

    assert reply.status_code == 404
    assert reply.json() == {
        "detail": "Table not found",
        "code": "NOT_FOUND",
        "index": 0,
    }


# ------------------------------------------------------------------- all or none


def test_records_are_created_changed_and_deleted_in_one_batch(
    client, table, recorded_events
):
    workspace_id = table["workspace_id"]
    old = client.record(table["id"], Name="old")
    before = client.position(workspace_id)

    reply = send(
        client,
        workspace_id,
        create(table["id"], "a", Name="a", Count=1),
        change("$a.id", Count=2),
        op("DELETE", f"/records/{old['id']}"),
    )

    body = made(reply)
    assert reply.status_code == 200
    assert list(body) == ["batch_id", "position", "results"]
    assert [one["status"] for one in body["results"]] == [201, 200, 204]
    assert [one["ref"] for one in body["results"]] == ["a", None, None]
    assert [one["index"] for one in body["results"]] == [0, 1, 2]
    a, changed, gone = (one["body"] for one in body["results"])
    assert a["fields"] == {"Name": "a", "Count": 1}
    assert changed["fields"] == {"Name": "a", "Count": 2}
    assert changed["id"] == a["id"]
    assert gone is None
    assert made(client.get(f"/records/{a['id']}")) == changed
    assert names(client, table) == ["a"]
    assert reply.headers["x-position"] == str(body["position"]) == str(before + 3)
    assert reply.headers["x-batch-id"] == body["batch_id"]
    events = recorded_events(workspace_id, before)
    assert [one["type"] for one in events] == [
        "record.created",
        "record.updated",
        "record.deleted",
    ]
    assert {one["batch_id"] for one in events} == {body["batch_id"]}
    assert [one["batch_index"] for one in events] == [0, 1, 2]
    assert {one["batch_size"] for one in events} == {3}


def test_a_refusal_takes_all_of_it_back_and_says_where(client, table):
    before = client.position(table["workspace_id"])

    reply = send(
        client,
        table["workspace_id"],
        create(table["id"], Name="a"),
        op("DELETE", f"/records/{table['id']}"),
        create(table["id"], Name="b"),
    )

    assert reply.status_code == 404
    assert reply.json() == {
        "detail": "Record not found",
        "code": "NOT_FOUND",
        "index": 1,
    }
    assert client.position(table["workspace_id"]) == before
    assert names(client, table) == []


def test_a_refusal_at_the_commit_is_told_as_the_operation_tells_it_alone(client, table):
    client.constraint(table["ids"]["Name"])
    client.record(table["id"], Name="Ada")
    alone = client.post(
        "/records", json={"table_id": table["id"], "fields": {"Name": "Ada"}}
    )

    reply = send(
        client,
        table["workspace_id"],
        create(table["id"], Name="Grace"),
        create(table["id"], Name="Ada"),
    )

    assert reply.status_code == alone.status_code == 409
    assert reply.json() == {**alone.json(), "index": 1}
    assert names(client, table) == ["Ada"]


def test_a_batch_within_says_also_which_of_its_records(client, table):
    client.constraint(table["ids"]["Name"])
    rows = [{"fields": {"Name": name}} for name in ("a", "b", "a")]

    reply = send(
        client,
        table["workspace_id"],
        create(table["id"], Name="x"),
        op("POST", "/records/batch", {"table_id": table["id"], "records": rows}),
    )

    assert reply.status_code == 409
    assert (reply.json()["index"], reply.json()["item_index"]) == (1, 2)
    assert names(client, table) == []


def test_all_that_a_base_consists_of_is_made_in_one_batch(
    client, workspace, database, recorded_events
):
    before = client.position(workspace)

    body = made(send(client, workspace, *library(workspace)))

    made_by = {one["ref"]: one["body"] for one in body["results"] if one["ref"]}
    books, authors = made_by["books"]["id"], made_by["authors"]["id"]
    assert made(client.get(f"/tables/{books}"))["name"] == "Works"
    assert made(client.get(f"/bases/{made_by['base']['id']}"))["name"] == "Library"
    assert made_by["unique"]["status"] == "active"
    ada = made(client.get(f"/records/{made_by['ada']['id']}"))
    assert ada["fields"]["Called"] == "Ada L."
    wrote = [made_by["notes"]["id"], made_by["sketch"]["id"]]
    assert ada["fields"]["Wrote"] == wrote
    shown = made(client.post(f"/views/{made_by['view']['id']}/data", json={}))
    assert [one["fields"]["Title"] for one in shown["records"]] == ["Notes"]
    duplicate = {"table_id": authors, "fields": {"Called": "Ada L."}}
    assert client.post("/records", json=duplicate).status_code == 409
    events = recorded_events(workspace, before)
    assert {one["batch_id"] for one in events} == {body["batch_id"]}
    assert [one["batch_index"] for one in events] == list(range(len(events)))
    assert {one["batch_size"] for one in events} == {len(events)}
    assert problems(database, workspace) == []


def test_a_refusal_behind_new_tables_leaves_nothing_of_them(
    client, workspace, database
):
    before = client.position(workspace)
    operations = [*library(workspace), create("$authors.id", Called="Ada L.")]

    reply = send(client, workspace, *operations)

    assert reply.status_code == 409
    assert reply.json()["code"] == "DUPLICATE_VALUE"
    assert reply.json()["index"] == len(operations) - 1
    assert client.position(workspace) == before
    assert made(client.get("/bases", params={"workspace_id": workspace}))["total"] == 0
    with psycopg.connect(database.owner) as connection:
        tables = connection.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = %s",
            [f"ws_{workspace.replace('-', '')}"],
        ).fetchone()
    assert tables == (1,)  # the links'
    assert problems(database, workspace) == []
    assert send(client, workspace, *operations[:-1]).is_success


def test_what_was_refused_has_no_say_in_how_later_records_are_shown(client, table):
    """A schema that is rolled back leaves its position to another one."""
    workspace_id = table["workspace_id"]
    field = {"table_id": table["id"], "name": "Refused", "type": "text"}
    refused = send(
        client,
        workspace_id,
        op("POST", "/fields", field),
        create(table["id"], Refused="x"),
        op("DELETE", f"/records/{table['id']}"),
    )
    assert refused.status_code == 404

    client.field(table["id"], "Kept")

    assert list(client.record(table["id"], Kept="y")["fields"]) == [
        "Name",
        "Count",
        "Kept",
    ]


def test_an_operation_sees_what_those_before_it_wrote(client, table, database):
    """A constraint the records, a record the constraint, a required field the empty."""
    workspace_id, field_id = table["workspace_id"], table["ids"]["Name"]
    unique = op("POST", "/constraints", {"field_id": field_id}, "unique")
    a, again = create(table["id"], "a", Name="a"), create(table["id"], "b", Name="a")

    two_then_unique = send(client, workspace_id, a, again, unique)
    unique_then_two = send(client, workspace_id, a, unique, again)
    unlike = send(client, workspace_id, a, again, change("$b.id", Name="b"), unique)
    required = op("PATCH", f"/fields/{table['ids']['Count']}", {"required": True})
    empty = send(client, workspace_id, create(table["id"], Name="c"), required)

    assert [two_then_unique.status_code, unique_then_two.status_code] == [409, 409]
    assert [one.json()["index"] for one in (two_then_unique, unique_then_two)] == [2, 2]
    assert unlike.is_success
    assert (empty.status_code, empty.json()["index"]) == (422, 1)
    assert names(client, table) == ["a", "b"]
    assert problems(database, workspace_id) == []


def test_a_record_is_deleted_with_the_table_that_it_was_made_in(
    client, table, database
):
    body = made(
        send(
            client,
            table["workspace_id"],
            create(table["id"], "a", Name="a"),
            op("DELETE", f"/tables/{table['id']}"),
        )
    )

    assert [one["status"] for one in body["results"]] == [201, 204]
    assert client.get(f"/records/{body['results'][0]['body']['id']}").status_code == 404
    assert problems(database, table["workspace_id"]) == []


def test_links_are_made_moved_and_ended_one_after_the_other(
    client, workspace, database
):
    made_by = {
        one["ref"]: one["body"]["id"]
        for one in made(send(client, workspace, *library(workspace)))["results"]
        if one["ref"]
    }
    books, authors = made_by["books"], made_by["authors"]

    reply = send(
        client,
        workspace,
        create(authors, "grace", Called="Grace"),
        create(books, "new", Title="New", By=["$grace.id", made_by["ada"]]),
        change(made_by["notes"], By=["$grace.id"]),
        change("$grace.id", Wrote=["$new.id", made_by["sketch"], made_by["notes"]]),
        op("DELETE", f"/records/{made_by['sketch']}"),
        change("$new.id", By=[made_by["ada"], "$grace.id"]),
        op("DELETE", f"/records/{made_by['ada']}"),
    )

    results = made(reply)["results"]
    grace, new = results[0]["body"]["id"], results[1]["body"]["id"]
    shown = made(client.get(f"/records/{grace}"))["fields"]
    assert shown["Wrote"] == [new, made_by["notes"]]
    assert made(client.get(f"/records/{new}"))["fields"]["By"] == [grace]
    assert made(client.get(f"/records/{made_by['notes']}"))["fields"]["By"] == [grace]
    assert problems(database, workspace) == []


@pytest.mark.parametrize("seed", range(4))
def test_links_come_out_as_if_the_operations_were_alone(
    client, workspace, database, seed
):
    """On two pairs of tables the same: once in one batch, once one by one."""
    base = client.base(workspace)["id"]
    pairs = [pair_of_tables(client, base, number) for number in range(2)]
    script = scribble(random.Random(seed))

    body = made(send(client, workspace, *spoken(script, *pairs[0])))
    alone: dict[str, str] = {}
    for operation in spoken(script, *pairs[1]):
        text = re.sub(
            r"\$(\w+)\.id", lambda name: alone[name[1]], json.dumps(operation)
        )
        one = json.loads(text)
        reply = client.request(one["method"], one["path"], json=one["body"])
        assert reply.is_success, reply.text
        if reply.status_code == 201:
            alone[one["ref"]] = reply.json()["id"]

    assert [one["status"] for one in body["results"]].count(201) == len(alone)
    assert linked(client, *pairs[0]) == linked(client, *pairs[1])
    assert problems(database, workspace) == []


def pair_of_tables(client, base_id, number):
    """Books and their authors."""
    authors = client.table("Name", base_id=base_id, name=f"Authors {number}")["id"]
    books = client.table("Name", base_id=base_id, name=f"Books {number}")["id"]
    options = {"linked_table_id": authors, "reverse_name": "Books"}
    client.field(books, "Authors", "linked_record", options=options)
    return books, authors


def scribble(chance):
    """(verb, own table, name, names at the other ends): what may be done in turn."""
    live: tuple[list[str], list[str]] = ([], [])
    script = []
    for number in range(40):
        own = chance.randrange(2)
        far = live[1 - own]
        ends = chance.sample(far, chance.randint(0, min(3, len(far))))
        verb = chance.choice(["make", "make", "link", "link", "drop"])
        if verb == "make" or not live[own]:
            script.append(("make", own, f"r{number}", ends))
            live[own].append(f"r{number}")
            continue
        name = chance.choice(live[own])
        script.append((verb, own, name, ends))
        if verb == "drop":
            live[own].remove(name)
    return script


def spoken(script, *tables):
    for verb, own, name, ends in script:
        links = {["Authors", "Books"][own]: [f"${end}.id" for end in ends]}
        if verb == "make":
            yield create(tables[own], name, Name=name, **links)
        elif verb == "link":
            yield change(f"${name}.id", **links)
        else:
            yield op("DELETE", f"/records/${name}.id")


def linked(client, *tables):
    """Every record's links in their order, by name."""
    rows = [
        one
        for table_id in tables
        for one in made(client.get("/records", params={"table_id": table_id}))["items"]
    ]
    named = {one["id"]: one["fields"]["Name"] for one in rows}
    found = {}
    for one in rows:
        fields = one["fields"]
        ends = fields["Authors"] if "Authors" in fields else fields["Books"]
        found[fields["Name"]] = [named[end] for end in ends or []]
    return found


def test_what_changes_nothing_is_a_success_without_events(client, table):
    record = client.record(table["id"], Name="a")
    before = client.position(table["workspace_id"])

    body = made(send(client, table["workspace_id"], change(record["id"], Name="a")))

    assert body["position"] == before == client.position(table["workspace_id"])
    assert body["results"][0]["body"] == record


def test_a_batch_across_kinds_is_undone_as_one(client, workspace, database):
    batch_id = made(send(client, workspace, *library(workspace)))["batch_id"]
    listing = {"workspace_id": workspace}

    undone = client.post("/undo", json={"scope": "batch", "id": batch_id})

    assert made(undone)["conflicts"] == []
    assert made(client.get("/bases", params=listing))["total"] == 0
    assert problems(database, workspace) == []
    redone = client.post("/redo", json={"batch_id": made(undone)["batch_id"]})
    assert made(redone)["conflicts"] == []
    assert made(client.get("/bases", params=listing))["total"] == 1
    assert problems(database, workspace) == []


# -------------------------------------------------------------------- references


def test_a_text_with_a_dollar_is_what_it_says(client, table):
    texts = ["$5", "$HOME", "$a", "$a.id.b", "x $a.id", "$", "$$", "$ a.id", "$a.ID"]
    operations = [create(table["id"], "a", Name="first")]
    operations += [create(table["id"], Name=text) for text in texts]
    operations += [
        create(table["id"], Name="$$a.id"),
        create(table["id"], Name="$$$a.id"),
    ]

    made(send(client, table["workspace_id"], *operations))

    assert names(client, table) == ["first", *texts, "$a.id", "$$a.id"]


@pytest.mark.parametrize(
    ("operations", "detail"),
    [
        ([("x", "$nobody.id")], "No operation has the ref nobody"),
        (
            [("x", "$y.id"), ("y", "a")],
            "The operation with the ref y does not come before this one",
        ),
        (
            [("x", "$x.id")],
            "The operation with the ref x does not come before this one",
        ),
    ],
)
def test_a_reference_to_nothing_is_refused(client, table, operations, detail):
    reply = send(
        client,
        table["workspace_id"],
        *(create(table["id"], ref, Name=name) for ref, name in operations),
    )

    assert reply.status_code == 422
    assert reply.json() == {
        "detail": detail,
        "code": "VALIDATION_ERROR",
        "index": 0,
        "reference": operations[0][1][1:-3],
    }


def test_what_makes_nothing_has_no_id(client, table):
    record = client.record(table["id"], Name="a")
    rows = {"table_id": table["id"], "records": [{"fields": {"Name": "b"}}]}

    for operation in (
        change(record["id"], Name="b"),
        op("DELETE", f"/records/{record['id']}"),
        op("POST", "/records/batch", rows),
    ):
        named = {**operation, "ref": "it"}
        reply = send(
            client, table["workspace_id"], named, op("DELETE", "/records/$it.id")
        )
        assert reply.status_code == 422
        assert reply.json()["detail"] == (
            "The operation with the ref it makes nothing that has an id"
        )
        assert reply.json()["index"] == 1


def test_a_ref_is_given_once(client, table):
    reply = send(
        client,
        table["workspace_id"],
        create(table["id"], "a", Name="a"),
        create(table["id"], "a", Name="b"),
    )

    assert reply.status_code == 422
    assert reply.json() == {
        "detail": "Another operation has the same ref",
        "code": "VALIDATION_ERROR",
        "index": 1,
    }


def test_references_stand_in_queries_and_in_lists(client, table):
    body = made(
        send(
            client,
            table["workspace_id"],
            create(table["id"], "a-1", Name="a"),
            create(table["id"], "b_2", Name="b"),
            op(
                "DELETE",
                f"/records/batch?table_id={table['id']}&record_ids=$a-1.id,$b_2.id",
            ),
            create(table["id"], "c", Name="c"),
            op(
                "PATCH",
                "/records/batch",
                {
                    "table_id": table["id"],
                    "updates": [{"record_id": "$c.id", "fields": {"Count": 1}}],
                },
            ),
        )
    )

    assert [one["status"] for one in body["results"]] == [201, 201, 204, 201, 200]
    assert names(client, table) == ["c"]


# ------------------------------------------------------------ what is no operation


@pytest.mark.parametrize(
    ("operation", "status", "code"),
    [
        (op("POST", "/nowhere"), 404, "NOT_FOUND"),
        (op("POST", "records"), 404, "NOT_FOUND"),
        (op("POST", "/api/v1/records"), 404, "NOT_FOUND"),
        (op("PUT", "/records"), 405, "METHOD_NOT_ALLOWED"),
        (op("post", "/records"), 405, "METHOD_NOT_ALLOWED"),
        (op("GET", "/workspaces"), 422, "VALIDATION_ERROR"),
        (op("POST", "/batch", {}), 422, "VALIDATION_ERROR"),
        (op("POST", "/workspaces", {"name": "x"}), 422, "VALIDATION_ERROR"),
        (op("POST", "/users/me/api-keys", {}), 422, "VALIDATION_ERROR"),
        (op("POST", "/auth/logout"), 422, "VALIDATION_ERROR"),
        (op("POST", "/attachments"), 422, "VALIDATION_ERROR"),
        (op("POST", f"/tables/{ABSENT}/import"), 422, "VALIDATION_ERROR"),
        (op("POST", f"/bases/{ABSENT}/duplicate"), 422, "VALIDATION_ERROR"),
        (op("POST", "/automations", {}), 501, "NOT_IMPLEMENTED"),
        (op("POST", "/records"), 400, "BAD_REQUEST"),
        (op("POST", "/records", {}), 422, "VALIDATION_ERROR"),
        (op("PATCH", "/records/x", {"fields": {}}), 400, "BAD_REQUEST"),
        (op("PATCH", "/records/%ff", {"fields": {}}), 400, "BAD_REQUEST"),
        ({"method": "POST"}, 422, "VALIDATION_ERROR"),
        ({**op("POST", "/records"), "body": []}, 422, "VALIDATION_ERROR"),
        ({**op("POST", "/records"), "ref": "1"}, 422, "VALIDATION_ERROR"),
        ("POST /records", 422, "VALIDATION_ERROR"),
    ],
    ids=str,
)
def test_what_is_no_operation_is_refused_with_its_place(
    client, kept_table, operation, status, code
):
    first = create(kept_table["id"], Name="a")

    reply = send(client, kept_table["workspace_id"], first, operation)

    assert reply.status_code == status, reply.text
    assert (reply.json()["code"], reply.json()["index"]) == (code, 1)
    assert names(client, kept_table) == []


def test_a_change_of_type_is_no_operation(client, table):
    field = f"/fields/{table['ids']['Count']}"

    reply = send(client, table["workspace_id"], op("PATCH", field, {"type": "text"}))

    assert reply.status_code == 422
    assert reply.json() == {
        "detail": "This operation cannot be part of a batch",
        "code": "VALIDATION_ERROR",
        "index": 0,
    }


@pytest.mark.parametrize("body", [{}, {"operations": []}, {"workspace_id": ABSENT}, []])
def test_a_body_that_is_no_batch_is_refused(client, body):
    assert client.post("/batch", json=body).status_code == 422


def test_a_batch_has_operations(client, workspace):
    reply = send(client, workspace)

    assert reply.status_code == 422
    assert reply.json()["detail"] == "The batch is empty"


def test_a_thousand_is_counted_in_records(client, table):
    rows = [{"fields": {"Name": "x"}}] * 999
    batch = op("POST", "/records/batch", {"table_id": table["id"], "records": rows})
    one = create(table["id"], Name="y")
    workspace_id = table["workspace_id"]

    too_many = send(client, workspace_id, batch, one, one)
    enough = send(client, workspace_id, batch, one)
    operations = send(client, workspace_id, *[one] * 1001)

    assert too_many.status_code == operations.status_code == 422
    assert too_many.json() == {
        "detail": "A batch has at most 1000 records",
        "code": "BATCH_TOO_LARGE",
        "limit": 1000,
        "index": 2,
    }
    assert operations.json()["code"] == "BATCH_TOO_LARGE"
    assert made(enough)["results"][0]["body"]["total"] == 999


# ------------------------------------------------------------------ once, together


def test_the_same_key_commits_once_and_answers_byte_for_byte(client, workspace):
    headers = {"Idempotency-Key": "library"}

    first = send(client, workspace, *library(workspace), headers=headers)
    again = send(client, workspace, *library(workspace), headers=headers)
    other = send(client, workspace, *library(workspace)[:-1], headers=headers)

    assert first.status_code == again.status_code == 200
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["x-position"] == first.headers["x-position"]
    assert made(client.get("/bases", params={"workspace_id": workspace}))["total"] == 1
    assert other.json()["code"] == "IDEMPOTENCY_KEY_REUSED"


def test_a_refusal_keeps_no_key(client, table):
    headers = {"Idempotency-Key": "refused"}
    operations = [create(table["id"], Name="a"), op("DELETE", f"/records/{ABSENT}")]
    refused = send(client, table["workspace_id"], *operations, headers=headers)

    again = send(client, table["workspace_id"], operations[0], headers=headers)

    assert refused.status_code == 404
    assert again.is_success


def test_batches_side_by_side_are_one_after_the_other(client, table, server, database):
    """Every one makes a field and fills it; none sees half of another."""
    workspace_id, replies = table["workspace_id"], []

    def commit(number):
        name = f"F{number}"
        field = {"table_id": table["id"], "name": name, "type": "text"}
        reply = send(
            client,
            workspace_id,
            op("POST", "/fields", field, "field"),
            create(table["id"], Name="same", **{name: "x"}),
            op("PATCH", "/fields/$field.id", {"description": "done"}),
        )
        replies.append(reply)

    threads = [threading.Thread(target=commit, args=(one,)) for one in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert sorted(one.status_code for one in replies) == [200] * 4
    fields = made(client.get(f"/tables/{table['id']}"))["fields"]
    assert {one["name"] for one in fields} == {"Name", "Count", "F0", "F1", "F2", "F3"}
    assert names(client, table) == ["same"] * 4
    assert problems(database, workspace_id) == []


def test_numbers_keep_their_digits(client, table):
    body = {
        "workspace_id": table["workspace_id"],
        "operations": [create(table["id"], Count="digits")],
    }
    text = json.dumps(body).replace('"digits"', "0.12345678901234567890123")

    reply = client.post(
        "/batch", content=text, headers={"content-type": "application/json"}
    )

    assert "0.12345678901234567890123" in reply.text


def test_a_password_is_no_business_of_a_batch(client, workspace):
    body = {"current_password": PASSWORD, "new_password": PASSWORD}

    reply = send(client, workspace, op("POST", "/auth/change-password", body))

    assert reply.status_code == 422
