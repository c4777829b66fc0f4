"""Views: made, changed, put in order, taken away and brought back; what each type of
view is configured with."""

from dataclasses import replace
from typing import Any

import pytest

from domain.catalog import View
from domain.errors import (
    Conflict,
    Invalid,
    Json,
    NotFound,
    StaleSchema,
    VersionMismatch,
)
from domain.field import FieldDeleted, FieldUpdated
from domain.ids import ViewId
from domain.layout import LAYOUTS, form_fields, read_config, working_config
from domain.table import TableDeleted, TableRestored
from domain.view import (
    CreateView,
    DeleteView,
    ExpectView,
    ReorderViews,
    RestoreView,
    UpdateView,
    ViewCreated,
    ViewDeleted,
    ViewRestored,
    ViewUpdated,
    default_view,
    readable_view,
)
from tests.domain.library import BOOKS, THE_AUTHORS, field, view
from tests.scenario import Store, scenario

GIVEN = [
    *BOOKS,
    field("day", "authors", "Day", "date", position=5),
    field("alive", "authors", "Alive", "checkbox", position=6),
]
TABLE = Store(GIVEN).catalog.live_table(THE_AUTHORS)
SCHEMA = TABLE.schema_seq
NEW, ALL, BOARD = ViewId("new"), ViewId("all"), ViewId("board")
CONDITION: dict[str, Json] = {"field": "name", "operator": "eq", "value": "Ada"}
BY_BIRTH: dict[str, Json] = {"field": "born", "direction": "desc"}
THREE = [
    *GIVEN,
    view("all", "authors"),
    view("board", "authors", "kanban", position=1, group_field_id="genre"),
    view("form", "authors", "form", position=2),
]


def wish(type_: str = "grid", **config: Any) -> CreateView:
    return CreateView(NEW, THE_AUTHORS, "New", type_, config, schema_seq=SCHEMA)


def change(view_id: ViewId = BOARD, **changes: Any) -> UpdateView:
    return UpdateView(view_id, THE_AUTHORS, changes, schema_seq=SCHEMA)


def moved(view_id: str, before: int, after: int) -> ViewUpdated:
    changes: dict[str, Any] = {"position": {"from": before, "to": after}}
    return ViewUpdated(view_id, "authors", changes)


# making


def test_a_view_is_made_with_what_it_keeps():
    scenario(
        given=GIVEN,
        when=CreateView(
            NEW,
            THE_AUTHORS,
            "Board",
            "kanban",
            {"group_field_id": "genre", "stack_field_id": None},
            [CONDITION],
            [BY_BIRTH],
            SCHEMA,
        ),
        then=[
            ViewCreated(
                "new",
                "authors",
                "Board",
                "kanban",
                {"group_field_id": "genre"},
                [CONDITION],
                [BY_BIRTH],
                0,
            )
        ],
    )


def test_a_view_comes_after_all_others_deleted_ones_too():
    scenario(
        given=[*THREE, ViewDeleted("form", "authors", "Form")],
        when=wish(),
        then=[view("new", "authors", position=3)],
    )


def test_a_view_of_no_table_is_not_made():
    gone = TableDeleted("authors", "base", "Authors")
    scenario(given=[*GIVEN, gone], when=wish(), refused=NotFound)


def test_a_view_is_made_once():
    again = CreateView(ALL, THE_AUTHORS, "All", "grid", {})
    scenario(given=THREE, when=again, refused=Conflict)


def test_what_was_read_by_another_schema_is_stale():
    renamed = FieldUpdated("name", "authors", {"name": {"from": "Name", "to": "Who"}})
    scenario(given=[*GIVEN, renamed], when=wish(), refused=StaleSchema)


def test_a_view_is_no_part_of_the_schema():
    assert Store(THREE).catalog.live_table(THE_AUTHORS).schema_seq == SCHEMA


def test_a_type_that_is_none_is_refused():
    scenario(given=GIVEN, when=wish("map"), refused=Invalid)


def test_a_table_has_at_most_a_thousand_views():
    many = [view(f"v{n}", "authors", position=n) for n in range(1000)]
    scenario(
        given=[*GIVEN, *many],
        when=wish(),
        refused=Invalid,
        detail="A table has at most 1000 views",
    )


# the configuration of each type


@pytest.mark.parametrize(
    ("type_", "config"),
    [
        ("grid", {"row_height": "tall", "frozen_columns": 0}),
        ("grid", {"row_height": 32, "frozen_columns": 400}),
        ("kanban", {"group_field_id": "genre", "stack_field_id": "alive"}),
        ("kanban", {"group_field_id": "works"}),
        ("calendar", {"date_field_id": "day", "end_date_field_id": "day"}),
        ("gallery", {"card_fields": ["name", "works", "no"]}),
        ("form", {"fields": ["name", "born"], "submit_text": "Send it"}),
        (
            "form",
            {"fields": [{"field_id": "name", "required": True, "label": "Who?"}]},
        ),
        ("gantt", {"start_field_id": "day", "end_field_id": "day"}),
        ("gantt", {"dependency_field_id": "works"}),
        ("timeline", {"date_field_id": "day", "group_field_id": "genre"}),
        *((type_, {}) for type_ in LAYOUTS),
    ],
)
def test_a_configuration_is_kept(type_: str, config: dict[str, Any]):
    assert read_config(type_, config, TABLE) == config


@pytest.mark.parametrize(
    ("type_", "config", "told"),
    [
        (
            "grid",
            {"date_field_id": "day"},
            "date_field_id is unknown: a grid view takes row_height, frozen_columns",
        ),
        ("grid", {"frozen_columns": True}, None),
        ("grid", {"frozen_columns": -1}, None),
        ("grid", {"frozen_columns": 401}, None),
        ("grid", {"row_height": 0}, None),
        ("grid", {"row_height": 1.5}, None),
        ("grid", {"row_height": "x" * 41}, None),
        ("grid", {"row_height": "\x00"}, None),
        ("kanban", {"group_field_id": "born"}, None),
        (
            "kanban",
            {"group_field_id": "nothing"},
            "group_field_id is no field of the table",
        ),
        ("kanban", {"group_field_id": "title"}, None),  # of the books
        ("kanban", {"group_field_id": ["genre"]}, None),
        (
            "calendar",
            {"date_field_id": "name"},
            "date_field_id cannot be a field of type text",
        ),
        ("gallery", {"cover_field_id": "name"}, None),
        ("gallery", {"card_fields": "name"}, "card_fields must be an array"),
        (
            "gallery",
            {"card_fields": ["name", "Name"]},
            "card_fields has a field twice",
        ),
        ("gallery", {"card_fields": ["name"] * 401}, None),
        ("form", {"fields": ["no"]}, "fields cannot be a field of type autonumber"),
        ("form", {"fields": [{"field_id": "name", "hidden": True}]}, None),
        ("form", {"fields": [{"field_id": "name", "required": 1}]}, None),
        ("form", {"fields": [{"field_id": "name", "label": "x" * 256}]}, None),
        ("form", {"fields": [{"required": True}]}, None),
        ("form", {"submit_text": "x" * 256}, None),
        ("gantt", {"dependency_field_id": "name"}, None),
        ("timeline", {"group_field_id": "day"}, None),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(
    type_: str, config: dict[str, Any], told: str | None
):
    with pytest.raises(Invalid) as refusal:
        read_config(type_, config, TABLE)
    errors: Any = refusal.value.extra["errors"]
    assert [one["loc"] for one in errors] == [["config", *config]]
    assert told in (None, errors[0]["msg"])


def test_every_problem_of_a_configuration_is_told():
    with pytest.raises(Invalid) as refusal:
        read_config("grid", {"a": 1, "frozen_columns": "x", "row_height": 1}, TABLE)
    assert len(refusal.value.extra["errors"]) == 2  # type: ignore[arg-type]


def test_a_field_may_be_called_by_its_name_and_is_kept_by_id():
    assert read_config("gallery", {"card_fields": ["Born", "name"]}, TABLE) == {
        "card_fields": ["born", "name"]
    }


# changing


def test_only_what_changes_is_recorded():
    scenario(
        given=THREE,
        when=change(name="Board", filters=[CONDITION], sorts=[]),
        then=[
            ViewUpdated(
                "board", "authors", {"filters": {"from": [], "to": [CONDITION]}}
            )
        ],
    )
    scenario(given=THREE, when=change(name="Board"), then=[])


def test_a_new_type_starts_with_an_empty_configuration():
    scenario(
        given=THREE,
        when=change(type="grid"),
        then=[
            ViewUpdated(
                "board",
                "authors",
                {
                    "type": {"from": "kanban", "to": "grid"},
                    "config": {"from": {"group_field_id": "genre"}, "to": {}},
                },
            )
        ],
    )


def test_a_configuration_is_read_for_the_type_that_comes_with_it():
    scenario(
        given=THREE,
        when=change(config={"row_height": 9}),
        refused=Invalid,
        errors=[
            {
                "loc": ["config", "row_height"],
                "type": "value_error",
                "msg": "row_height is unknown: a kanban view takes group_field_id,"
                " stack_field_id",
            }
        ],
    )
    taken = Store(THREE).do(change(type="grid", config={"row_height": 9}))
    assert taken[0].event.data()["changes"]["config"]["to"] == {"row_height": 9}  # type: ignore[index, call-overload]


def test_another_version_is_refused():
    scenario(
        given=THREE,
        when=UpdateView(ALL, THE_AUTHORS, {"name": "x"}, if_match=2),
        refused=VersionMismatch,
        current_version=1,
    )
    scenario(
        given=THREE,
        when=DeleteView(ALL, if_match=2),
        refused=VersionMismatch,
        current_version=1,
    )


def test_what_was_there_may_be_there_again_whatever_became_of_its_fields():
    gone = FieldDeleted("genre", "authors", "Genre")
    emptied = ViewUpdated(
        "board",
        "authors",
        {"config": {"from": {"group_field_id": "genre"}, "to": {}}},
    )
    inverse = emptied.inverse()
    assert inverse is not None
    scenario(
        given=[*THREE, emptied, gone],
        when=inverse,
        then=[
            ViewUpdated(
                "board",
                "authors",
                {"config": {"from": {}, "to": {"group_field_id": "genre"}}},
            )
        ],
    )


# the order


def test_those_named_come_first_and_the_rest_follow_as_they_were():
    scenario(
        given=THREE,
        when=ReorderViews(THE_AUTHORS, [ViewId("form")]),
        then=[moved("form", 2, 0), moved("all", 0, 1), moved("board", 1, 2)],
    )
    scenario(given=THREE, when=ReorderViews(THE_AUTHORS, [ALL, BOARD]), then=[])
    scenario(given=THREE, when=ReorderViews(THE_AUTHORS, []), then=[])


@pytest.mark.parametrize(
    ("view_ids", "refused"),
    [(["all", "all"], Invalid), (["gone"], NotFound), (["of-books"], NotFound)],
)
def test_an_order_of_others_is_refused(view_ids: list[ViewId], refused: Any):
    given = [
        *THREE,
        view("gone", "authors", position=3),
        ViewDeleted("gone", "authors", "Gone"),
        view("of-books", "books"),
    ]
    scenario(given=given, when=ReorderViews(THE_AUTHORS, view_ids), refused=refused)


# going and coming back


def test_a_view_goes_and_comes_back():
    gone = ViewDeleted("board", "authors", "Board")
    scenario(given=THREE, when=DeleteView(BOARD), then=[gone])
    scenario(given=[*THREE, gone], when=DeleteView(BOARD), refused=NotFound)
    restored = ViewRestored("board", "authors", "Board")
    back = RestoreView(BOARD, THE_AUTHORS)
    scenario(given=[*THREE, gone], when=back, then=[restored])
    scenario(given=THREE, when=back, then=[])
    scenario(given=GIVEN, when=back, refused=NotFound)


def test_views_go_with_their_table_and_come_back_with_it():
    gone = TableDeleted("authors", "base", "Authors")
    scenario(given=[*THREE, gone], when=change(name="x"), refused=NotFound)
    back = TableRestored("authors", "base", "Authors")
    catalog = Store([*THREE, gone, back]).catalog
    assert [one.id for one in catalog.live_table(THE_AUTHORS).views] == [
        "all",
        "board",
        "form",
    ]


def test_what_was_read_by_another_version_of_a_view_is_stale():
    scenario(given=THREE, when=ExpectView(BOARD, 1), then=[])
    renamed = ViewUpdated("board", "authors", {"name": {"from": "Board", "to": "B"}})
    scenario(given=[*THREE, renamed], when=ExpectView(BOARD, 1), refused=StaleSchema)
    gone = ViewDeleted("board", "authors", "Board")
    scenario(given=[*THREE, gone], when=ExpectView(BOARD, 1), refused=StaleSchema)
    scenario(given=[*THREE, gone], when=ExpectView(BOARD, 2), refused=NotFound)


# reading


def test_a_table_without_views_has_a_grid_that_is_kept_nowhere():
    catalog = Store(GIVEN).catalog
    stands_in = readable_view(catalog, "authors")

    assert stands_in == default_view(TABLE)
    assert (stands_in.id, stands_in.type, stands_in.filters) == ("authors", "grid", [])
    with pytest.raises(NotFound):
        catalog.live_view("authors")


def test_a_table_with_views_is_no_view():
    catalog = Store(THREE).catalog

    assert default_view(catalog.live_table(THE_AUTHORS)).id == "all"
    with pytest.raises(NotFound):
        readable_view(catalog, "authors")


def of_form(**config: Any) -> tuple[View, Any]:
    store = Store([*GIVEN, view("form", "authors", "form", **config)])
    return store.catalog.live_view("form"), store.catalog.live_table(THE_AUTHORS)


def test_a_form_asks_for_the_fields_that_it_names():
    form, table = of_form(
        fields=["born", {"field_id": "name", "required": True, "label": "Who?"}]
    )

    assert [
        (one.field.id, one.required, one.label) for one in form_fields(form, table)
    ] == [("born", False, None), ("name", True, "Who?")]


def test_a_form_that_names_none_asks_for_all_that_can_be_written():
    form, table = of_form()

    found = [one.field.id for one in form_fields(form, table)]
    assert found == ["name", "born", "genre", "works", "day", "alive"]


def test_a_form_whose_fields_are_all_gone_asks_for_none():
    form, _ = of_form(fields=["born"])
    gone = FieldDeleted("born", "authors", "Born")
    table = Store([*GIVEN, gone]).catalog.live_table(THE_AUTHORS)

    assert form_fields(form, table) == ()


def test_what_is_gone_or_changed_is_done_without_and_told():
    gone = FieldDeleted("born", "authors", "Born")
    table = Store([*GIVEN, gone]).catalog.live_table(THE_AUTHORS)
    fields = [{"field_id": "born", "required": True}, "name"]
    form, _ = of_form(fields=fields, submit_text="Go")

    works, unusable = working_config(form, table)

    assert works == {"fields": ["name"], "submit_text": "Go"}
    assert [(one.place, one.value, one.reason) for one in unusable] == [
        (
            "config.fields",
            {"field_id": "born", "required": True},
            "is no field of the table",
        )
    ]
    retyped = replace(form, type="calendar", config={"date_field_id": "name"})
    assert working_config(retyped, table)[0] == {}
