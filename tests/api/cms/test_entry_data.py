"""What an entry's `data` takes, what it makes of it, and what it says of the rest."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.api.cms.blog import refused
from tests.api.cms.client import CmsClient
from tests.client import ABSENT, made
from tests.projections.test_types_replayed import TYPES


def problems(reply):
    return {one["field"]: one["message"] for one in reply.json()["errors"]}


def write(cms, type_id, **data):
    return cms.post("/entries", json={"object_type_id": type_id, "data": data})


# -------------------------------------------------------------------- types of fields


@pytest.mark.parametrize(
    ("row", "name", "given", "shown"),
    [
        ("070", "title", "Hello World", "Hello World"),
        ("071", "content", "Line 1\nLine 2", "Line 1\nLine 2"),
        ("072", "content", "<p>Rich <b>x</b><script>1</script></p>", ...),
        ("073", "age", 42, 42),
        ("073", "age", -0.5, -0.5),
        ("074", "published", True, True),
        ("074", "published", False, False),
        ("075", "e_mail", "user@example.com", "user@example.com"),
        ("076", "home", "https://example.com", "https://example.com"),
        ("077", "day", "2024-01-01", "2024-01-01"),
        ("078", "publish_date", "2024-01-01T12:00:00Z", "2024-01-01T12:00:00Z"),
        ("078", "publish_date", "2024-01-01T12:00:00+02:00", "2024-01-01T10:00:00Z"),
        ("084", "scores", [1, 2.5], [1, 2.5]),
    ],
)
def test_e_070_to_084_a_value_of_each_type_comes_back(
    cms, blog, row, name, given, shown
):
    data = {"title": row, name: given}

    entry = cms.entry(blog.posts, **data)

    assert entry["data"] == data | {name: given if shown is ... else shown}
    assert made(cms.get(f"/entries/{entry['id']}"))["data"] == entry["data"]


def test_e_073_a_number_keeps_its_digits(cms, blog):
    body = '{"object_type_id":"%s","data":{"title":"n","age":%s,"free":{"n":%s}}}'
    digits = "12345678901234567890.125"

    reply = cms.post(
        "/entries",
        content=body % (blog.posts, digits, digits),
        headers={"content-type": "application/json"},
    )

    shown = cms.get(f"/entries/{reply.json()['id']}").text
    for text in (reply.text, shown):
        found = json.loads(text, parse_float=str)["data"]
        assert (found["age"], found["free"]) == (digits, {"n": digits})


def test_e_079_a_relation_is_one_id_or_an_array_as_its_field_says(
    cms, blog, author, tags
):
    one = cms.entry(blog.posts, title="x", author=[author], tags=tags[0])
    assert one["data"] == {"title": "x", "author": author, "tags": tags[:1]}

    two = write(cms, blog.posts, title="x", author=[author, ABSENT])
    assert two.status_code == 422


@pytest.mark.parametrize("name", ["author", "tags"])
def test_e_079_a_relation_leads_to_an_entry_of_its_type_and_workspace(
    cms, blog, tags, author, cms_stranger, server, name
):
    with cms_stranger.at_pybase(server.url) as other:
        theirs = other.record(other.table("Name")["id"], Name="x")["id"]
    of_another_type = author if name == "tags" else tags[0]
    label = name.title()

    for wrong in (ABSENT, theirs, of_another_type):
        reply = write(cms, blog.posts, title="x", **{name: wrong})
        message = f"Field '{label}' names an entry that does not exist"
        assert refused(reply, 422, message)["code"] == "UNPROCESSABLE_ENTITY"
        assert problems(reply) == {name: message}
    assert write(cms, blog.posts, title="x", **{name: "nonsense"}).status_code == 422


def test_e_07a_a_medium_is_a_file_of_the_workspace(
    cms, blog, ada_at_pybase, cms_stranger, server
):
    files = [
        ada_at_pybase.upload(blog.workspace_id, name=f"{n}.png")["id"] for n in (1, 2)
    ]
    with cms_stranger.at_pybase(server.url) as other:
        theirs = other.upload(other.workspace()["id"])["id"]

    entry = cms.entry(blog.posts, title="x", cover=files[0], pictures=files[::-1])

    assert entry["data"]["cover"] == files[0]
    assert entry["data"]["pictures"] == files[::-1]
    assert made(cms.get(f"/entries/{entry['id']}"))["data"] == entry["data"]
    record = made(ada_at_pybase.get(f"/records/{entry['id']}"))
    assert [one["name"] for one in record["fields"]["Pictures"]] == ["2.png", "1.png"]
    for wrong in (ABSENT, theirs):
        reply = write(cms, blog.posts, title="x", cover=wrong)
        refused(reply, 422, "Field 'Cover' names a file that does not exist")
    both = write(cms, blog.posts, title="x", cover=files)
    refused(both, 422, "Field 'Cover' must be the id of a file")


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("title", 1, "Field 'Title' must be a string"),
        ("age", "42", "Field 'Age' must be a number"),
        ("published", "true", "Field 'Published' must be a boolean"),
        ("e_mail", "nobody", "Field 'E-mail' must be a valid email"),
        ("home", "example", "Field 'Home' must be a valid URL"),
        ("scores", 5, "Field 'Scores' must be an array"),
        ("scores", ["5"], "Field 'Scores' must be a number"),
        ("tags", {}, "Field 'Tags' must be an array of ids of entries"),
        ("author", "x", "Field 'Author' must be the id of an entry"),
        ("cover", 1, "Field 'Cover' must be the id of a file"),
        ("pictures", ["x"], "Field 'Pictures' must be an array of ids of files"),
    ],
)
def test_e_095_a_value_of_another_type_is_422_and_says_what_it_has_to_be(
    cms, blog, name, given, message
):
    reply = write(cms, blog.posts, **({"title": "x"} | {name: given}))

    body = refused(reply, 422, message)
    assert body["code"] == "UNPROCESSABLE_ENTITY"
    entry = cms.entry(blog.posts, title="x")
    changed = cms.patch(f"/entries/{entry['id']}", json={"data": {name: given}})
    refused(changed, 422, message)


@pytest.mark.parametrize("day", ["2024-13-01", "yesterday", 5])
def test_e_077_a_day_that_is_none_is_422(cms, blog, day):
    for name in ("day", "publish_date"):
        assert write(cms, blog.posts, title="x", **{name: day}).status_code == 422


# ------------------------------------------------------------- required and defaults


def test_e_083_what_is_required_has_to_be_there(cms, blog):
    for data in ({}, {"title": None}, {"title": ""}, {"age": 1}):
        refused(write(cms, blog.posts, **data), 422, "Field 'Title' is required")


def test_e_095_everything_that_is_wrong_is_told_at_once(cms, blog):
    reply = write(cms, blog.posts, age="x", e_mail="y")

    assert problems(reply) == {
        "age": "Field 'Age' must be a number",
        "e_mail": "Field 'E-mail' must be a valid email",
        "title": "Field 'Title' is required",
    }


@pytest.fixture(scope="module")
def defaults(ada_at_pybase, blog):
    """A type of which every field has a default, the required ones too."""

    def one(name, type_, value, **more):
        options = more.pop("options", {}) | {"default_value": value}
        return {"name": name, "type": type_, "options": options, **more}

    choices = {"choices": ["Draft", "Live"]}
    return ada_at_pybase.table(
        one("Name", "text", "Untitled", required=True),
        one("Count", "number", 5),
        one("Rate", "percent", 0.5),
        one("On", "checkbox", True),
        one("State", "single_select", "Draft", options=choices),
        one("Marks", "json", ["a", "b"], options={"items": "text"}),
        one("Since", "date", "2024-01-01"),
        {"name": "Bare", "type": "text"},
    )


def test_e_086_a_default_is_what_a_new_entry_has(cms, defaults):
    whole = {
        "name": "Untitled",
        "count": 5,
        "rate": 0.5,
        "on": True,
        "state": "Draft",
        "marks": ["a", "b"],
        "since": "2024-01-01",
    }

    entry = cms.entry(defaults["id"])
    assert entry["data"] == whole
    assert made(cms.get(f"/entries/{entry['id']}"))["data"] == whole

    own = cms.entry(defaults["id"], name="Own", count=None, marks=[], state="Live")
    rest = {key: whole[key] for key in ("rate", "on", "since")}
    assert own["data"] == rest | {"name": "Own", "state": "Live"}


def test_e_086_a_default_is_for_new_entries_alone(cms, defaults, ada_at_pybase):
    entry = cms.entry(defaults["id"], count=None)
    path = f"/entries/{entry['id']}"

    changed = made(cms.patch(path, json={"data": {"rate": None}}))
    assert "count" not in changed["data"]
    assert "rate" not in changed["data"]
    refused(
        cms.patch(path, json={"data": {"name": None}}), 422, "Field 'Name' is required"
    )
    record = ada_at_pybase.record(defaults["id"], Name="At PyBase")
    assert made(cms.get(f"/entries/{record['id']}"))["data"] == {"name": "At PyBase"}


def test_e_086_a_default_that_is_gone_is_none(cms, ada_at_pybase):
    options = {"choices": ["A", "B"], "default_value": "A"}
    state = {"name": "State", "type": "single_select", "options": options}
    table = ada_at_pybase.table("Name", state)
    field = f"/fields/{table['ids']['State']}"

    assert cms.entry(table["id"])["data"] == {"state": "A"}
    kept = made(ada_at_pybase.get(field))["options"]
    first, second = kept["choices"]
    assert kept["default_value"] == first["id"]
    renamed = [{**first, "name": "First"}, second]
    made(ada_at_pybase.patch(field, json={"options": {"choices": renamed}}))
    entry = cms.entry(table["id"])
    assert entry["data"] == {"state": "First"}
    for one in made(cms.get(f"/entries?object_type_id={table['id']}"))["entries"]:
        made(cms.delete(f"/entries/{one['id']}"))
    made(ada_at_pybase.patch(field, json={"options": {"choices": [second]}}))
    assert "default_value" not in made(ada_at_pybase.get(field))["options"]
    assert cms.entry(table["id"])["data"] == {}


# ------------------------------------------------------------------------ other keys


def test_keys_of_no_field_are_kept_as_they_are(cms, blog):
    free = {"published_by": "me", "deep": {"a": [1, {"b": None}]}, "n": 0, "no": False}

    entry = cms.entry(blog.tags, name="x", empty="", none=None, list=[], **free)

    assert entry["data"] == {"name": "x"} | free
    assert made(cms.get(f"/entries/{entry['id']}"))["data"] == entry["data"]


def test_the_place_for_other_keys_is_made_by_the_first_entry_that_needs_it(
    cms, ada_at_pybase
):
    table = ada_at_pybase.table("Name")

    def fields():
        found = made(ada_at_pybase.get(f"/tables/{table['id']}"))["fields"]
        return [(one["name"], one["type"], one["options"]) for one in found]

    cms.entry(table["id"], name="plain")
    assert fields() == [("Name", "text", {})]
    first = cms.entry(table["id"], a=1)
    made(cms.patch(f"/entries/{first['id']}", json={"data": {"b": 2}}))
    cms.entry(table["id"], c=3)
    assert fields() == [
        ("Name", "text", {}),
        ("Other data", "json", {"other": True}),
    ]
    shown = made(cms.get(f"/entries/{first['id']}"))
    assert shown["data"] == {"a": 1, "b": 2}
    names = [one["name"] for one in shown["object_type"]["field_definitions"]]
    assert names == ["name"]


def test_two_first_entries_at_once_make_one_place(server, cms, ada_at_pybase):
    table = ada_at_pybase.table("Name")
    together = threading.Barrier(4)

    def first(number):
        with CmsClient(server.cms_url) as client:
            client.headers["authorization"] = cms.headers["authorization"]
            together.wait()
            return client.entry(table["id"], **{f"k{number}": number})["data"]

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(first, range(4)))

    assert found == [{f"k{number}": number} for number in range(4)]
    fields = made(ada_at_pybase.get(f"/tables/{table['id']}"))["fields"]
    assert [one["name"] for one in fields] == ["Name", "Other data"]


def test_the_first_entry_is_made_once_by_its_key(cms, ada_at_pybase):
    table = ada_at_pybase.table("Name")
    body = {"object_type_id": table["id"], "data": {"a": 1}}
    headers = {"idempotency-key": table["id"]}

    first, again = (cms.post("/entries", json=body, headers=headers) for _ in range(2))

    assert made(first)["data"] == {"a": 1}
    assert (again.content, again.headers["idempotency-replayed"]) == (
        first.content,
        "true",
    )
    page = made(cms.get(f"/entries?object_type_id={table['id']}"))
    assert page["pagination"]["total"] == 1


def test_what_is_refused_makes_no_place(cms, ada_at_pybase):
    table = ada_at_pybase.table("Name")
    link = {"linked_table_id": table["id"]}
    ada_at_pybase.field(table["id"], "Next", "linked_record", options=link)
    ada_at_pybase.constraint(table["ids"]["Name"])
    path = f"/entries/{cms.entry(table['id'], name='x')['id']}"
    old = {"if-match": '"v7"'}

    wrong = write(cms, table["id"], next=ABSENT, a=1)
    taken = write(cms, table["id"], name="x", a=1)
    stale = cms.patch(path, json={"data": {"a": 1}}, headers=old)

    refused(wrong, 422, "Field 'Next' names an entry that does not exist")
    assert (taken.status_code, taken.json().keys() & {"index"}) == (409, set())
    assert stale.status_code == 412
    assert "changes" in stale.json()
    fields = made(ada_at_pybase.get(f"/tables/{table['id']}"))["fields"]
    assert "Other data" not in [one["name"] for one in fields]


def test_a_change_makes_the_place_too_and_is_undone_without_it(cms, ada_at_pybase):
    table = ada_at_pybase.table("Name")
    entry = cms.entry(table["id"], name="x")
    path = f"/entries/{entry['id']}"

    assert made(cms.patch(path, json={"data": {"gone": None}}))["data"] == {"name": "x"}
    reply = cms.patch(path, json={"data": {"a": 1}}, headers={"if-match": '"v1"'})
    assert made(reply)["data"] == {"name": "x", "a": 1}
    later = cms.entry(table["id"], b=1)
    undo = {"scope": "batch", "id": reply.headers["x-batch-id"]}
    assert made(ada_at_pybase.post("/undo", json=undo))["conflicts"] == []

    assert made(cms.get(path))["data"] == {"name": "x"}
    assert made(cms.get(f"/entries/{later['id']}"))["data"] == {"b": 1}


def test_an_editor_may_need_the_place_first(server, cms, ada_at_pybase, cms_newcomer):
    table = ada_at_pybase.table("Name")
    with cms_newcomer.at_pybase(server.url) as editor:
        ada_at_pybase.add_member(table["workspace_id"], editor, "editor")
        reply = write(cms_newcomer, table["id"], a=1)
        assert made(reply)["data"] == {"a": 1}
        undo = {"scope": "batch", "id": reply.headers["x-batch-id"]}
        done = made(editor.post("/undo", json=undo))
        made(editor.post("/redo", json={"batch_id": done["batch_id"]}))
    assert made(cms.get(f"/entries/{reply.json()['id']}"))["data"] == {"a": 1}


def test_what_is_too_large_or_too_deep_for_it_is_422(cms, blog):
    deep: object = 1
    for _ in range(55):
        deep = [deep]

    refused(write(cms, blog.tags, deep=deep), 422, "Value is nested too deeply")
    large = write(cms, blog.tags, large="x" * 1_000_001)
    refused(large, 422, "Value must have at most 1000000 bytes as JSON")
    half = cms.entry(blog.tags, half="x" * 600_000)
    path = f"/entries/{half['id']}"
    both = cms.patch(path, json={"data": {"other_half": "x" * 600_000}})
    assert both.status_code == 422
    assert list(made(cms.get(path))["data"]) == ["half"]


def test_a_field_wins_over_a_key_of_its_name(cms, ada_at_pybase):
    table = ada_at_pybase.table("Name")
    entry = cms.entry(table["id"], name="x", late="early")
    ada_at_pybase.field(table["id"], "Late")
    path = f"/entries/{entry['id']}"

    assert made(cms.get(path))["data"] == {"name": "x"}
    changed = made(cms.patch(path, json={"data": {"late": "now"}}))
    assert changed["data"] == {"name": "x", "late": "now"}
    assert made(cms.get(path))["data"] == changed["data"]


def test_what_nobody_writes_is_refused(cms, ada_at_pybase):
    table = ada_at_pybase.table("Name", {"name": "No", "type": "autonumber"})

    reply = write(cms, table["id"], name="x", no=7)

    refused(reply, 422, "Field 'No' is read-only")
    assert cms.entry(table["id"], name="x")["data"] == {"name": "x", "no": 1}


def test_a_value_that_another_entry_has_is_409(cms, ada_at_pybase):
    table = ada_at_pybase.table("Slug")
    ada_at_pybase.constraint(table["ids"]["Slug"])
    cms.entry(table["id"], slug="one")

    reply = write(cms, table["id"], slug="one")

    assert (reply.status_code, reply.json()["code"]) == (409, "CONFLICT")


# ------------------------------------------------------------ types that PyBase has


def test_a_write_shows_every_type_as_a_read_does(cms, ada_at_pybase, blog):
    me = ada_at_pybase.user["id"]
    upload = ada_at_pybase.upload(blog.workspace_id)["id"]
    values = {
        **{name: row[1] for name, row in TYPES.items() if row[1] is not None},
        "user": me,
        "autonumber": None,
        "attachment": [{"id": upload}, {"url": "https://example.org/a.pdf"}],
    }
    fields = [
        {"name": name, "type": name, "options": row[0]} for name, row in TYPES.items()
    ]
    base = made(ada_at_pybase.get(f"/tables/{blog.posts}"))["base_id"]
    table = ada_at_pybase.table(*fields, base_id=base, name="Everything")
    link = {"linked_table_id": table["id"]}
    ada_at_pybase.field(table["id"], "links", "linked_record", options=link)
    first = ada_at_pybase.record(table["id"])["id"]
    del values["autonumber"]
    full = ada_at_pybase.record(table["id"], **values, links=[first])["id"]

    for one in (first, full):
        read = cms.get(f"/entries/{one}")
        written = cms.patch(f"/entries/{one}", json={"data": {}})
        assert json.loads(written.text, parse_float=str) == json.loads(
            read.text, parse_float=str
        )
    data = made(cms.get(f"/entries/{full}"))["data"]
    assert data["links"] == [first]
    assert data["attachment"] == [upload, "https://example.org/a.pdf"]
    assert data["multi_select"] == ["Two", "One"]
    assert made(cms.get(f"/entries/{first}"))["data"] == {"autonumber": "A-1"}


# ------------------------------------------------------------- types made at the CMS


def test_e_080_to_087_entries_are_what_their_definitions_say(cms, ada_at_pybase):
    workspace = cms.workspace()["id"]
    person = cms.object_type("name", workspace_id=workspace, name="Person")
    kind = cms.object_type(
        {
            "name": "title",
            "display_name": "The title",
            "type": "TEXT",
            "required": True,
            "placeholder": "Enter post title",
        },
        {"name": "rating", "type": "NUMBER", "default_value": 3},
        {"name": "links", "type": "URL", "multiple": True},
        {"name": "parts", "type": "RICH_TEXT", "multiple": True},
        {"name": "days", "type": "DATETIME", "multiple": True},
        {"name": "by", "type": "RELATION", "relation_to_id": person["id"]},
        {
            "name": "readers",
            "type": "RELATION",
            "relation_to_id": person["id"],
            "multiple": True,
        },
        {"name": "flag", "type": "BOOLEAN", "default_value": False},
        workspace_id=workspace,
    )
    ada, bob = (cms.entry(person["id"], name=name)["id"] for name in ("Ada", "Bob"))
    data = {
        "title": "T",
        "rating": 3,
        "links": ["https://a.org", "https://b.org"],
        "parts": ["<p>1</p>", "<p>2</p>"],
        "days": ["2024-01-01T12:00:00Z"],
        "by": ada,
        "readers": [bob, ada],
        "flag": False,
    }

    entry = cms.entry(
        kind["id"], **{one: data[one] for one in data if one not in ("rating", "flag")}
    )

    shown = made(cms.get(f"/entries/{entry['id']}"))
    assert entry["data"] == shown["data"] == data
    given = shown["object_type"]["field_definitions"]
    assert given == kind["field_definitions"]
    refused(write(cms, kind["id"]), 422, "Field 'The title' is required")
    wrong = write(cms, kind["id"], title="x", links="https://a.org")
    refused(wrong, 422, "Field 'links' must be an array")
    counted = made(cms.get(f"/object-types/{kind['id']}"))["_count"]
    assert counted == {"entries": 1}
    made(cms.delete(f"/entries/{ada}"))
    left = made(cms.get(f"/entries/{entry['id']}"))["data"]
    assert (left.get("by"), left["readers"]) == (None, [bob])
    record = made(ada_at_pybase.get(f"/records/{entry['id']}"))
    assert record["fields"]["The title"] == "T"
