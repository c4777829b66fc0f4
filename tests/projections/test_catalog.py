"""The catalogue: what is loaded from the tables is what the events made in memory."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from commands.schema import NewField, create_field
from commands.system import new_id
from domain import decider
from domain.base import (
    CreateBase,
    DeleteBase,
    MakeContentBase,
    RestoreBase,
    UpdateBase,
)
from domain.catalog import Catalog, Table
from domain.constraint import (
    CreateConstraint,
    DeleteConstraint,
    RestoreConstraint,
    UpdateConstraint,
)
from domain.errors import DomainError
from domain.events import Command
from domain.field import CreateField, DeleteField, RestoreField, UpdateField
from domain.ids import BaseId, ConstraintId, TableId, ViewId, WebhookId
from domain.layout import LAYOUTS
from domain.table import CreateTable, DeleteTable, RestoreTable, UpdateTable
from domain.view import (
    CreateView,
    DeleteView,
    ReorderViews,
    RestoreView,
    UpdateView,
)
from domain.webhook import (
    INCOMING,
    OUTGOING,
    CreateWebhook,
    DeleteWebhook,
    RenewWebhook,
    ReplayWebhook,
    RestoreWebhook,
    Target,
    UpdateWebhook,
)
from domain.workspace import STATUSES, AddMember, RemoveMember, UpdateWorkspace
from projections.catalog import changed
from projections.reader import Catalogs
from tests.commands.tenant import Tenant, a_committer

NAMES = ["name", "Name", "größe", 'with "quotes"', "a" * 255, "x\ty", "{}", "50%"]
CHOICES = {
    "choices": [{"id": "a", "name": "A", "color": "red"}, {"id": "b", "name": "B"}]
}


@dataclass
class Somebody:
    """Who changes a schema at random, the same way for the same seed."""

    tenant: Tenant
    users: list[Any]
    choose: random.Random
    undo: list[Command] = field(default_factory=list)

    def commands(self, catalog: Catalog) -> list[Command]:
        """What to do next: one command, or a table with its fields."""
        tables = list(catalog.tables.values())
        if self.undo and self.choose.random() < 0.25:
            return [self.undo.pop(self.choose.randrange(len(self.undo)))]
        if not tables or self.choose.random() < 0.15:
            return self._new_table(catalog)
        make: Callable[[Catalog, Table], Command] = self.choose.choice(
            [
                self._new_field,
                self._new_field,
                self._changed_field,
                self._gone_field,
                self._constraint,
                self._changed_constraint,
                self._of_the_table,
                self._view,
                self._changed_view,
                self._webhook,
                self._changed_webhook,
                self._of_the_base,
                self._member,
                self._workspace,
            ]
        )
        return [make(catalog, self.choose.choice(tables))]

    def name(self) -> str:
        return self.choose.choice(NAMES)

    def _some(self, found: Any) -> Any:
        return self.choose.choice(list(found))

    def _new_table(self, catalog: Catalog) -> list[Command]:
        number = self.tenant.rows("SELECT nextval('ledger.table_numbers')")[0][0]
        table_id = TableId(new_id())
        made = CreateTable(table_id, self._some(catalog.bases), number, self.name())
        fields = [
            NewField("first", "text"),
            NewField("select", "single_select", CHOICES),
        ]
        return [made, *(create_field(table_id, one) for one in fields)]

    def _new_field(self, catalog: Catalog, table: Table) -> Command:
        type_ = self.choose.choice(
            ["text", "number", "date", "checkbox", "autonumber", "linked_record"]
        )
        options: dict[str, Any] = {}
        if type_ == "linked_record":
            options = {"linked_table_id": self._some(catalog.tables)}
        if type_ == "number":
            options = {"precision": 2}
        required = type_ == "text" and self.choose.random() < 0.3
        wanted = NewField(self.name(), type_, options, required, "what it is for")
        return create_field(table.id, wanted)

    def _changed_field(self, _catalog: Catalog, table: Table) -> Command:
        one = self._some(table.all_fields.values())
        changes: dict[str, Any] = self.choose.choice(
            [
                {"name": self.name()},
                {"description": self.choose.choice(["new", None])},
                {"required": self.choose.random() < 0.5},
                {"options": dict(CHOICES)} if one.type == "single_select" else {},
            ]
        )
        return UpdateField(one.id, table.id, changes)

    def _gone_field(self, _catalog: Catalog, table: Table) -> Command:
        one = self._some(table.all_fields)
        return self.choose.choice([DeleteField(one), RestoreField(one)])

    def _constraint(self, _catalog: Catalog, table: Table) -> Command:
        one = self._some(table.all_fields)
        return CreateConstraint(
            ConstraintId(new_id()),
            table.id,
            one,
            self.choose.random() < 0.5,
            "{value}!",
        )

    def _changed_constraint(self, catalog: Catalog, table: Table) -> Command:
        if not table.all_constraints:
            return self._constraint(catalog, table)
        one = self._some(table.all_constraints.values())
        return self.choose.choice(
            [
                UpdateConstraint(
                    one.id, table.id, one.field_id, {"status": "disabled"}
                ),
                UpdateConstraint(one.id, table.id, one.field_id, {"status": "active"}),
                DeleteConstraint(one.id),
                RestoreConstraint(one.id, table.id, one.field_id),
            ]
        )

    def _view(self, _catalog: Catalog, table: Table) -> Command:
        one = self._some(table.all_fields)
        condition = {"field": one, "operator": "gt", "value": {"number": "1.50"}}
        return CreateView(
            ViewId(new_id()),
            table.id,
            self.name(),
            self.choose.choice(list(LAYOUTS)),
            {"card_fields": [one], "submit_text": self.name()},
            self.choose.choice([[], [condition, {"OR": [{"NOT": condition}]}]]),
            [{"field": one, "direction": "desc"}],
        )

    def _changed_view(self, catalog: Catalog, table: Table) -> Command:
        if not table.all_views:
            return self._view(catalog, table)
        one = self._some(table.all_views)
        changes = {"name": self.name(), "sorts": [], "config": {"row_height": 7}}
        return self.choose.choice(
            [
                UpdateView(one, table.id, changes),
                UpdateView(one, table.id, {"type": "grid", "filters": []}),
                ReorderViews(table.id, [one]),
                DeleteView(one),
                RestoreView(one, table.id),
            ]
        )

    def _webhook(self, _catalog: Catalog, table: Table) -> Command:
        new, one = WebhookId(new_id()), self._some(table.all_fields)
        if self.choose.random() < 0.5:
            mappings = {self.name(): one}
            return CreateWebhook(new, table.id, "in", INCOMING, mappings=mappings)
        place = self.choose.choice([None, table.id])
        target = Target(new_id(), "https://example.org")
        events = ["record.*", "field.created"]
        return CreateWebhook(new, place, "out", OUTGOING, events, target=target)

    def _changed_webhook(self, catalog: Catalog, table: Table) -> Command:
        if not catalog.webhooks:
            return self._webhook(catalog, table)
        one = self._some(catalog.webhooks.values())
        target = Target(new_id(), "http://example.net").json()
        return self.choose.choice(
            [
                UpdateWebhook(one.id, {"name": self.name(), "paused": True}),
                UpdateWebhook(one.id, {"enabled": False, "reason": "gone"}),
                UpdateWebhook(one.id, {"enabled": True}),
                UpdateWebhook(one.id, {"target": target, "events": ["table.*"]}),
                UpdateWebhook(one.id, {"mappings": {}}),
                RenewWebhook(one.id, one.kind),
                ReplayWebhook(one.id, 1, 2),
                DeleteWebhook(one.id),
                RestoreWebhook(one.id),
            ]
        )

    def _of_the_table(self, _catalog: Catalog, table: Table) -> Command:
        return self.choose.choice(
            [
                UpdateTable(table.id, {"name": self.name()}),
                UpdateTable(table.id, {"description": None}),
                UpdateTable(table.id, {"slug": f"chosen-{self.choose.random()}"}),
                UpdateTable(table.id, {"public": self.choose.random() < 0.5}),
                DeleteTable(table.id),
                RestoreTable(table.id),
            ]
        )

    def _of_the_base(self, catalog: Catalog, _table: Table) -> Command:
        one = self._some(catalog.bases)
        return self.choose.choice(
            [
                CreateBase(BaseId(new_id()), self.name(), None, "🙂"),
                MakeContentBase(BaseId(new_id())),
                UpdateBase(one, {"name": self.name(), "icon": None}),
                DeleteBase(one),
                RestoreBase(one),
            ]
        )

    def _member(self, _catalog: Catalog, _table: Table) -> Command:
        user = self._some(self.users)
        role = self.choose.choice(["viewer", "editor", "admin", "owner"])
        return self.choose.choice([AddMember(new_id(), user, role), RemoveMember(user)])

    def _workspace(self, catalog: Catalog, _table: Table) -> Command:
        changes = {
            "name": self.name(),
            "description": self.choose.choice(["d", None]),
            "status": self.choose.choice(STATUSES),
        }
        return UpdateWorkspace(catalog.id, changes)


@pytest.fixture
def catalogs() -> Catalogs:
    return Catalogs()


@pytest.fixture
def alone(tenant: Tenant, catalogs: Catalogs) -> Iterator[Tenant]:
    """The tenant, with a committer whose catalogues can be looked at."""
    committer = a_committer(tenant.database.app, catalogs=catalogs)
    committer.start()
    yield replace(tenant, committer=committer)
    committer.stop()


@pytest.mark.parametrize("seed", range(5))
def test_the_loaded_catalogue_is_the_one_that_the_events_made(
    alone: Tenant, catalogs: Catalogs, seed: int
):
    users = [alone.user_id, *(new_id() for _ in range(3))]
    for user in users[1:]:
        alone.register(user)
    alone.do(CreateBase(BaseId(new_id()), "Second"))
    somebody = Somebody(alone, users, random.Random(seed))
    done = refused = 0
    kinds: set[type] = set()
    for _ in range(90):
        commands = somebody.commands(catalogs[alone.workspace_id])
        try:
            outcome = alone.do(*commands)
        except DomainError:
            refused += 1
            continue
        done += 1
        kinds.update(type(one) for one in commands)
        inverses = [one.event.inverse() for one in outcome.events]
        somebody.undo += [one for one in inverses if one is not None]
        assert alone.catalog() == catalogs[alone.workspace_id]

    assert done > 30
    assert refused > 5
    assert {CreateTable, CreateField} <= kinds
    assert alone.catalog() == evolved(alone)


def evolved(tenant: Tenant) -> Catalog:
    """The catalogue folded from the first event on."""
    catalog = Catalog(tenant.workspace_id)
    for one in tenant.envelopes():
        recorded = one.recorded
        if decider.changes_catalog(recorded.event):
            catalog = decider.grow(catalog, recorded)
    return catalog


def test_a_catalogue_knows_the_position_of_its_last_change(
    alone: Tenant, catalogs: Catalogs
):
    table = alone.table("name")
    changed_at = alone.position()
    alone.create(table, {"name": "x"})

    assert alone.catalog().seq == changed_at
    assert catalogs[alone.workspace_id].seq == changed_at
    assert alone.position() == changed_at + 1


def test_what_is_deleted_stays_in_the_catalogue_marked(alone: Tenant):
    table = alone.table("name", "more")
    alone.do(DeleteField(table.by_name["more"].id))
    alone.do(DeleteTable(table.id))

    loaded = alone.catalog().tables[table.id]

    assert loaded.deleted
    assert [one.name for one in loaded.fields] == ["name"]
    assert len(loaded.all_fields) == 2


def test_only_what_changed_is_written(alone: Tenant):
    table = alone.table("name", "more")
    before = alone.catalog()
    more = replace(table.by_name["more"], name="other")
    after = before.with_field(more, 99)

    assert list(changed(before, after)) == [after.tables[table.id], more]
    assert list(changed(before, before)) == []


def test_a_newer_catalogue_is_not_replaced_by_an_older_one(alone: Tenant):
    catalogs = Catalogs()
    older = alone.catalog()
    table = alone.table("name")
    newer = alone.catalog()

    catalogs[alone.workspace_id] = newer
    catalogs[alone.workspace_id] = older

    assert catalogs[alone.workspace_id] is newer
    assert catalogs.workspace_of(table.id) == alone.workspace_id
    assert catalogs.workspace_of(table.by_name["name"].id) == alone.workspace_id
    assert catalogs.workspace_of(new_id()) is None
