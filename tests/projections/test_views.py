"""Views in the store: loaded as the events made them, replayed, verified, read."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from commands import forms
from commands.schema import NewField
from commands.system import new_id
from domain.catalog import Table, View
from domain.errors import NotFound, StaleSchema
from domain.field import DeleteField, RestoreField
from domain.ids import ViewId
from domain.table import DeleteTable, RestoreTable
from domain.view import (
    CreateView,
    DeleteView,
    ReorderViews,
    RestoreView,
    UpdateView,
)
from projections import rebuild
from projections.query import EVERYTHING, And, Condition, Not, Or, Sort
from projections.views import kept_condition, view_query, working
from tests.commands.tenant import Tenant, field_id, problems


def make(
    tenant: Tenant,
    table: Table,
    type_: str = "grid",
    filters: Sequence[Any] = (),
    sorts: Sequence[Any] = (),
    **config: Any,
) -> View:
    view_id = ViewId(new_id())
    tenant.do(
        CreateView(
            view_id, table.id, "V", type_, config, filters, sorts, table.schema_seq
        )
    )
    return tenant.catalog().live_view(view_id)


def keep(table: Table, name: str, operator: str, value: Any) -> Any:
    return kept_condition(table.by_name[name], operator, value)


def test_a_life_of_views_is_replayed_and_verified(tenant: Tenant):
    table = tenant.table("name", "more")
    name = keep(table, "name", "contains", "\\ \" ' % {} größe 𝄞")
    number = keep(table, "name", "eq", "1")
    one = make(tenant, table, "grid", [name, {"NOT": number}], frozen_columns=1)
    other = make(tenant, table, "form", fields=[field_id(table, "more")])
    tenant.do(ReorderViews(table.id, [other.id]))
    changes = {"name": "New", "type": "gallery", "config": {}, "filters": []}
    tenant.do(UpdateView(one.id, table.id, changes))
    tenant.do(DeleteView(other.id))
    assert problems(tenant) == []
    tenant.do(DeleteTable(table.id))
    with pytest.raises(NotFound):
        tenant.catalog().live_view(one.id)
    assert problems(tenant) == []
    tenant.do(RestoreTable(table.id), RestoreView(other.id, table.id))

    views = tenant.catalog().live_table(table.id).views

    assert [(view.id, view.name, view.position) for view in views] == [
        (other.id, "V", 0),
        (one.id, "New", 1),
    ]
    assert problems(tenant) == []


def test_a_view_that_differs_from_its_events_is_seen(tenant: Tenant):
    table = tenant.table("name")
    view = make(tenant, table)
    with psycopg.connect(tenant.database.owner) as connection:
        connection.execute(
            "UPDATE catalog.views SET name = 'Other' WHERE id = %s", [view.id]
        )

    found = problems(tenant)

    assert len(found) == 2
    assert all("catalog.views" in one for one in found)
    with tenant.seeing() as connection:
        rebuild.rebuild(connection, tenant.workspace_id)
    assert tenant.catalog().live_view(view.id).name == "V"


def test_nobody_sees_the_views_of_another_workspace(tenant: Tenant):
    table = tenant.table("name")
    view = make(tenant, table)
    count = "SELECT count(*) FROM catalog.views WHERE id = %s"

    with psycopg.connect(tenant.database.app) as connection:
        unseen = connection.execute(count, [view.id]).fetchone()
    with tenant.seeing() as connection:
        seen = connection.execute(count, [view.id]).fetchone()

    assert (unseen, seen) == ((0,), (1,))


def test_a_filter_is_read_as_it_was_kept(tenant: Tenant):
    table = tenant.table("name", "more")
    name, more = table.by_name["name"], table.by_name["more"]
    ada = keep(table, "name", "eq", "Ada")
    empty = keep(table, "more", "is_empty", ["not", "looked", "at"])
    view = make(
        tenant,
        table,
        "grid",
        [ada, {"OR": [{"NOT": empty}, {"AND": []}]}],
        [{"field": more.id, "direction": "desc"}, {"field": "id", "direction": "asc"}],
    )

    found = view_query(view, table)

    assert found.where == And(
        (
            Condition(name, "eq", "Ada"),
            Or((Not(Condition(more, "is_empty", None)), And(()))),
        )
    )
    assert [(one.field.name, one.descending) for one in found.sorts] == [
        ("more", True),
        ("id", False),
    ]
    assert empty["value"] is None


def test_what_a_deleted_field_meant_counts_again_once_it_is_back(tenant: Tenant):
    table = tenant.table("name", "more")
    more = table.by_name["more"]
    by_more = {"field": more.id, "direction": "asc"}
    kept = [keep(table, "more", "eq", "x")]
    view = make(tenant, table, "form", kept, [by_more], fields=[more.id])
    whole = working(view, table)
    assert (whole.where, whole.sorts) == (Condition(more, "eq", "x"), (Sort(more),))

    tenant.do(DeleteField(more.id))
    without = working(view, tenant.catalog().live_table(table.id))
    tenant.do(RestoreField(more.id))
    again = working(view, tenant.catalog().live_table(table.id))

    assert (without.where, without.sorts, without.config) == (
        EVERYTHING,
        (),
        {"fields": []},
    )
    assert [one.place for one in without.unusable] == [
        "config.fields",
        "filters",
        "sorts",
    ]
    assert (again.config, again.unusable) == (whole.config, [])
    assert len(again.sorts) == 1
    assert problems(tenant) == []


def test_a_number_keeps_every_digit(tenant: Tenant):
    table = tenant.table("name", NewField("price", "number"))
    exact = Decimal("0.10000000000000000000000000000000001")

    kept = keep(table, "price", "gt", exact)
    view = make(tenant, table, "grid", [kept])

    assert kept["value"] == {"number": str(exact)}
    assert view_query(view, table).where == Condition(
        table.by_name["price"], "gt", str(exact)
    )


def test_a_form_that_was_changed_meanwhile_is_read_anew(tenant: Tenant):
    table = tenant.table("name")
    view = make(tenant, table, "form")
    _, stale = forms.submit(tenant.catalog(), view.id, {"name": "Ada"})
    tenant.do(DeleteView(view.id))

    with pytest.raises(StaleSchema):
        tenant.do(*stale)
    assert tenant.record_ids(table) == []
