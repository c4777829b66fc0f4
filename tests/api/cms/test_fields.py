"""Definitions and fields: `docs/surfaces.md` says what the code does, and fields of
every type are told at the CMS."""

import re
from pathlib import Path

import orjson
import pytest

from api.cms.fields import TYPES, is_multiple, kept_as, type_of
from domain.catalog import Field
from domain.ids import FieldId, TableId
from domain.values import FIELD_TYPES
from tests.api.cms.test_workspaces import refused
from tests.client import made, new_id

PAGE = (Path(__file__).parents[3] / "docs" / "surfaces.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """The first table below a heading, without its head."""
    below = PAGE.partition(f"\n## {heading}\n")[2]
    table = below[below.index("|") :].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table]


FROM_TYPES = rows("From the CMS's types to fields")
FROM_FIELDS = rows("From fields to the CMS's types")


def field(type_: str, **options) -> Field:
    return Field(
        id=FieldId("f"),
        table_id=TableId("t"),
        name="F",
        type=type_,
        options=options,
        required=False,
        description=None,
        position=0,
        primary=False,
        created_at="",
        updated_at="",
    )


def test_the_page_names_every_type_of_both():
    assert [row[0] for row in FROM_TYPES] == list(TYPES)
    assert [row[0] for row in FROM_FIELDS] == list(FIELD_TYPES)


@pytest.mark.parametrize(("name", "type_", "options"), FROM_TYPES)
def test_a_definition_is_kept_as_the_page_says(name, type_, options):
    one = kept_as(name, multiple=False)

    said = options.strip("`").replace("multiple}", "false}").replace("…, ", '"x", ')
    known = orjson.loads(said) if said else {}
    known.pop("linked_table_id", None)
    assert (one.type, dict(one.options)) == (type_, known)


@pytest.mark.parametrize("name", list(TYPES))
@pytest.mark.parametrize("multiple", [True, False])
def test_what_a_definition_is_kept_as_is_told_as_it_was(name, multiple):
    one = kept_as(name, multiple=multiple)

    kept = field(one.type, **one.options)
    assert (type_of(kept), is_multiple(kept)) == (name, multiple)


@pytest.mark.parametrize(("type_", "told", "multiple"), FROM_FIELDS)
def test_a_field_is_told_as_the_page_says(type_, told, multiple):
    usual, _, other = told.partition(", or ")

    assert type_of(field(type_)) == usual
    assert is_multiple(field(type_)) is (multiple in ("yes",) or "unless" in multiple)
    if "`allow_multiple`" in multiple:
        for value in (True, False):
            assert is_multiple(field(type_, allow_multiple=value)) is value
    if type_ == "json":
        assert is_multiple(field("json", items="text"))
        for inner, (name, _, _) in ((row[1], row) for row in FROM_TYPES):
            if inner not in ("linked_record", "attachment") and name != "RICH_TEXT":
                assert type_of(field("json", items=inner)) == name
    elif other:
        found = re.fullmatch(r"(\w+) with (?:a )?`(\w+)`", other)
        assert found is not None
        assert (
            type_of(field(type_, **{found[2]: "A-" if "a `" in other else True}))
            == (found[1])
        )


NEEDS = {
    "single_select": {"choices": [{"name": "One"}]},
    "multi_select": {"choices": [{"name": "One"}]},
    "linked_record": {"linked_table_id": "self"},
    "dimension": {"unit": "mm"},
    "formula": {"formula": "{First}"},
}


def test_a_field_of_every_type_is_a_definition(cms, ada_at_pybase):
    simple = [name for name in FIELD_TYPES if name not in ("lookup", "rollup")]
    table = ada_at_pybase.table(
        "First",
        *[
            {"name": name, "type": name, "options": NEEDS.get(name, {})}
            for name in simple
        ],
        name="All",
    )

    found = made(cms.get(f"/object-types/{table['id']}"))["field_definitions"]

    expected = {row[0]: row[1].partition(",")[0] for row in FROM_FIELDS}
    assert {one["name"]: one["type"] for one in found[1:]} == {
        name: expected[name] for name in simple
    }
    selves = [one["relation_to"] for one in found if one["type"] == "RELATION"]
    assert selves == [{"id": table["id"], "name": "All", "slug": "all"}]


# --------------------------------------------------------------- several, and options

SCALARS = [name for name in TYPES if name not in ("RELATION", "MEDIA")]


def test_e_084_every_type_may_hold_several(cms, ada_at_pybase):
    one = cms.object_type(
        *[{"name": name.lower(), "type": name, "multiple": True} for name in SCALARS],
        {"name": "files", "type": "MEDIA", "multiple": True},
        {"name": "file", "type": "MEDIA"},
    )

    shown = [(each["type"], each["multiple"]) for each in one["field_definitions"]]
    assert shown == [
        *((name, True) for name in SCALARS),
        ("MEDIA", True),
        ("MEDIA", False),
    ]
    there = made(ada_at_pybase.get(f"/tables/{one['id']}"))["fields"]
    assert {each["type"] for each in there[: len(SCALARS)]} == {"json"}


PROPERTIES = {
    "placeholder": "Enter post title",
    "default_value": "Untitled",
    "private": True,
}


def test_e_085_and_086_placeholder_default_and_privacy_are_kept(cms, ada_at_pybase):
    one = cms.object_type({"name": "title"} | PROPERTIES)

    (shown,) = one["field_definitions"]
    assert {name: shown[name] for name in PROPERTIES} == PROPERTIES
    (there,) = made(ada_at_pybase.get(f"/tables/{one['id']}"))["fields"]
    assert there["options"] == PROPERTIES


def test_e_085_and_086_they_are_changed_and_taken_away(cms):
    one = cms.object_type({"name": "title", "display_name": "Title"} | PROPERTIES)
    path = f"/object-types/{one['id']}"

    def changed(**more):
        body = {"field_definitions": [{"name": "title"} | more]}
        (found,) = made(cms.patch(path, json=body))["field_definitions"]
        return {name: found[name] for name in PROPERTIES}

    assert changed(placeholder="Title") == PROPERTIES | {"placeholder": "Title"}
    assert changed(display_name="T") == PROPERTIES | {"placeholder": "Title"}
    gone = {"placeholder": None, "default_value": None}
    assert changed(**gone) == PROPERTIES | gone
    assert changed(private=False) == {"private": False} | gone


@pytest.mark.parametrize(
    ("definition", "told"),
    [
        ({"type": "NUMBER", "default_value": "many"}, "Option default_value: "),
        ({"type": "BOOLEAN", "default_value": 1}, "Option default_value: "),
        ({"type": "EMAIL", "default_value": "nobody"}, "Option default_value: "),
        ({"multiple": True, "default_value": "one"}, "Option default_value: "),
    ],
)
def test_e_086_a_default_is_a_value_that_the_field_takes(cms, definition, told):
    site = cms.workspace()
    body = {
        "name": f"T {new_id()}",
        "workspace_id": site["id"],
        "field_definitions": [{"name": "broken"} | definition],
    }

    reply = cms.post("/object-types", json=body)

    assert refused(reply, 400).startswith(f"Field 'broken': {told}")


def test_e_084_several_files_or_relations_become_one_where_none_has_more(
    cms, ada_at_pybase
):
    relation = {"name": "others", "type": "RELATION", "relation_to_id": "self"}
    one = cms.object_type("title", relation | {"multiple": True})
    first, second, third = ada_at_pybase.records(
        one["id"], *[{"title": name} for name in "ABC"]
    )
    links = {"fields": {"others": [first["id"], second["id"]]}}
    made(ada_at_pybase.patch(f"/records/{third['id']}", json=links))
    path = f"/object-types/{one['id']}"
    body = {"field_definitions": [{"name": "others", "multiple": False}]}

    assert "1 records have several links" in refused(cms.patch(path, json=body), 400)
    made(
        ada_at_pybase.patch(
            f"/records/{third['id']}", json={"fields": {"others": [first["id"]]}}
        )
    )
    found = made(cms.patch(path, json=body))["field_definitions"]
    assert [one["multiple"] for one in found] == [False, False]
