"""Names for URLs: url-name-1, and where a name comes from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.base import BaseCreated, BaseDeleted, CreateBase, RestoreBase
from domain.errors import Json
from domain.field import (
    CreateField,
    FieldCreated,
    FieldDeleted,
    FieldUpdated,
    RestoreField,
)
from domain.ids import BaseId, FieldId, TableId
from domain.naming import NAME, RESERVED_COLUMNS, url_name
from domain.table import TableCreated, TableDeleted, TableUpdated
from tests.domain.library import AUTHORS, MEMBERS, THE_AUTHORS
from tests.scenario import Store


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Users", "users"),
        ("weather_forecast", "weather_forecast"),
        ("Temperature (°C)", "temperature_c"),
        ("a__b  c", "a_b_c"),
        ("2024 sales", "2024_sales"),
        ("Straße", "strasse"),
        ("Ünïcode", "unicode"),
        ("Łódź", "lodz"),
        ("Æon", "aeon"),
        ("ﬁle №", "file_no"),
        ("x" * 255, "x" * 56),
        ("日本", "field_3"),
        ("🎈", "field_3"),
        ("", "field_3"),
        ('"; DROP TABLE x; --', "drop_table_x"),
    ],
)
def test_a_name_is_ascii_letters_digits_and_single_underscores(name, expected):
    assert url_name("field", name, (), 2) == expected


@pytest.mark.parametrize("word", sorted(RESERVED_COLUMNS))
def test_a_column_is_no_word_of_a_query(word):
    assert url_name("field", word.upper(), (), 0) == f"{word}_2"
    assert url_name("t", word, (), 0) == word


def test_a_name_that_is_taken_goes_on_with_a_number():
    assert url_name("t", "Users", {"users", "users_2"}, 2) == "users_3"
    assert url_name("base", "日本", {"base_2"}, 1) == "base_2_2"


@given(st.text(max_size=80), st.sets(st.sampled_from(["a", "a_2", "field_1"])))
def test_every_name_has_one_that_is_free(name, taken):
    found = url_name("field", name, taken, 0)

    assert NAME.fullmatch(found)
    assert found not in taken | RESERVED_COLUMNS


def names(store: Store) -> list[str]:
    table = store.catalog.tables[THE_AUTHORS]
    return [one.api_name for one in table.all_fields.values()]


def test_what_was_created_without_a_name_has_one_by_the_first_rule():
    store = Store(AUTHORS)
    base = store.catalog.bases[BaseId("base")]

    assert (base.db_name, store.catalog.tables[THE_AUTHORS].slug) == ("base", "authors")
    assert names(store)[:2] == ["name", "born"]


def test_a_name_stays_after_a_rename():
    renamed: dict[str, Json] = {"name": {"from": "Authors", "to": "Writers"}}
    field: dict[str, Json] = {"name": {"from": "Name", "to": "Called"}}
    store = Store(
        [
            *AUTHORS,
            TableUpdated("authors", renamed),
            FieldUpdated("name", "authors", field),
        ]
    )

    assert store.catalog.tables[THE_AUTHORS].slug == "authors"
    assert names(store)[0] == "name"


def test_what_is_restored_is_what_it_was_whoever_came_meanwhile():
    store = Store(
        [
            *MEMBERS,
            BaseCreated("one", "Base", None, None, "base"),
            BaseDeleted("one", "Base"),
        ]
    )

    store.do(CreateBase(BaseId("two"), "Base"))
    store.do(RestoreBase(BaseId("one")))

    found = {one.id: one.db_name for one in store.catalog.bases.values()}
    assert found == {"one": "base", "two": "base_2"}


def test_a_restored_field_has_its_column_again():
    store = Store([*AUTHORS, FieldDeleted("born", "authors", "Born")])

    store.do(CreateField(FieldId("new"), THE_AUTHORS, "BORN!", "text", {}))
    store.do(RestoreField(FieldId("born")))

    table = store.catalog.tables[THE_AUTHORS]
    assert table.by_api_name["born"].id == "born"
    assert table.by_api_name["born_2"].id == "new"


def test_both_ends_of_a_link_to_the_same_table_have_names():
    store = Store(AUTHORS)
    options = {"linked_table_id": "authors", "reverse_name": "Mentör"}

    store.do(
        CreateField(
            FieldId("new"),
            THE_AUTHORS,
            "Mentor",
            "linked_record",
            options,
            reverse_id=FieldId("back"),
        )
    )

    assert names(store)[-2:] == ["mentor", "mentor_2"]


def test_a_table_has_its_name_within_its_base():
    store = Store(
        [
            *MEMBERS,
            BaseCreated("one", "One", None, None),
            BaseCreated("two", "Two", None, None),
            TableCreated("a", "one", 1, "Users", None, 0),
            TableDeleted("a", "one", "Users"),
            TableCreated("b", "one", 2, "USERS", None, 1),
            TableCreated("c", "two", 3, "Users", None, 0),
        ]
    )

    slugs = [store.catalog.tables[TableId(one)].slug for one in "abc"]
    assert slugs == ["users", "users_2", "users"]


def test_a_stored_name_wins_over_the_rule():
    store = Store(
        [
            *AUTHORS,
            FieldCreated(
                "x", "authors", "Ä", "text", {}, False, None, 9, False, "kept_7"
            ),
        ]
    )

    assert names(store)[-1] == "kept_7"
