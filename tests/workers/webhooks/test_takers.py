"""Which webhooks an event is told to: by what each was right after it."""

from typing import Any

import pytest

from commands.embedded import DatabaseUrls
from commands.system import new_id
from domain.catalog import Table
from domain.events import Command
from domain.ids import BaseId, WebhookId
from domain.table import DeleteTable, RestoreTable
from domain.webhook import (
    CreateWebhook,
    DeleteWebhook,
    RenewWebhook,
    RestoreWebhook,
    UpdateWebhook,
)
from domain.workspace import DeleteWorkspace
from tests.commands.tenant import LoopedCommitter, Tenant
from tests.workers.webhooks.heard import Hearing
from workers.following import Loop
from workers.webhooks import Webhooks


@pytest.fixture
def table(tenant: Tenant) -> Table:
    return tenant.table("Name")


def names(heard: Hearing, tenant: Tenant, hook: str) -> list[str]:
    """What it was told, of texts only the new one."""
    return [
        (one["data"]["after"] or one["data"]["before"])["Name"]
        for one in heard.told(tenant, hook)
    ]


def test_a_webhook_begins_with_its_own_creation(
    heard: Hearing, tenant: Tenant, table: Table
):
    tenant.create(table, {"Name": "before"})
    hook = heard.hook(tenant, "record.created")
    tenant.create(table, {"Name": "after"})
    heard.follow()
    assert names(heard, tenant, hook) == ["after"]


def test_a_webhook_of_a_table_is_told_of_that_table(
    heard: Hearing, tenant: Tenant, table: Table
):
    other = tenant.table("Name")
    of_table = heard.hook(tenant, "record.*", table_id=table.id)
    of_all = heard.hook(tenant, "record.*")
    tenant.create(table, {"Name": "here"})
    tenant.create(other, {"Name": "there"})
    heard.follow()
    assert names(heard, tenant, of_table) == ["here"]
    assert names(heard, tenant, of_all) == ["here", "there"]


def test_two_webhooks_are_told_the_same_each_in_its_own_name(
    heard: Hearing, tenant: Tenant, table: Table
):
    hooks = [heard.hook(tenant, "record.*"), heard.hook(tenant, "record.created")]
    tenant.create(table, {"Name": "a"})
    heard.follow()
    first, second = (heard.told(tenant, one)[0] for one in hooks)
    assert [one["data"].pop("webhook_id") for one in (first, second)] == hooks
    assert first == second


def test_only_events_that_it_takes_are_told(
    heard: Hearing, tenant: Tenant, table: Table
):
    hook = heard.hook(tenant, "record.updated", "table.*")
    (record,) = tenant.create(table, {"Name": "a"})
    tenant.do(tenant.updating(table, {record: {"Name": "b"}}))
    tenant.do(tenant.deleting(table, record))
    heard.follow()
    assert names(heard, tenant, hook) == ["b"]


def test_what_happens_while_it_is_off_is_not_told_and_paused_it_collects(
    heard: Hearing, tenant: Tenant, table: Table
):
    hook = heard.hook(tenant, "record.created")
    for name, change in (
        ("on", {"enabled": False}),
        ("off", {"enabled": True, "paused": True}),
        ("paused", {"paused": False}),
    ):
        tenant.create(table, {"Name": name})
        heard.change(tenant, hook, **change)
    tenant.create(table, {"Name": "on again"})
    heard.follow()
    assert names(heard, tenant, hook) == ["on", "paused", "on again"]


def test_one_that_came_back_is_told_nothing_until_it_is_renewed(
    heard: Hearing, tenant: Tenant, table: Table
):
    hook = WebhookId(heard.hook(tenant, "record.created"))
    for name, command in (
        ("there", DeleteWebhook(hook)),
        ("gone", RestoreWebhook(hook)),
        ("dead", RenewWebhook(hook, "outgoing")),
    ):
        tenant.create(table, {"Name": name})
        tenant.do(command)
    tenant.create(table, {"Name": "alive"})
    heard.follow()
    assert names(heard, tenant, hook) == ["there", "alive"]


def test_the_deletion_of_its_own_table_is_told(
    heard: Hearing, tenant: Tenant, table: Table
):
    hook = heard.hook(tenant, "table.*", "record.*", table_id=table.id)
    tenant.do(DeleteTable(table.id))
    tenant.do(RestoreTable(table.id))
    tenant.create(tenant.catalog().tables[table.id], {"Name": "a"})
    heard.follow()
    assert [one["type"] for one in heard.told(tenant, hook)] == [
        "table.deleted",
        "table.created",
        "record.created",
    ]


def test_it_goes_by_positions_however_late_it_is_followed(
    heard: Hearing, tenant: Tenant, table: Table
):
    """A webhook that is there by now was not when the first of these happened."""
    hook = heard.hook(tenant, "record.created", enabled=False)
    for n in range(6):
        tenant.create(table, {"Name": f"{n}"})
        heard.change(tenant, hook, enabled=n % 2 == 0)
    heard.follow(events=2)
    assert names(heard, tenant, hook) == ["1", "3", "5"]


def test_an_incoming_webhook_is_told_nothing(
    heard: Hearing, tenant: Tenant, table: Table
):
    hook = WebhookId(new_id())
    tenant.do(CreateWebhook(hook, table.id, "In", "incoming"))
    tenant.create(table, {"Name": "a"})
    heard.follow()
    assert heard.told(tenant, hook) == []


def test_killed_before_its_commit_it_tells_everything_once(
    heard: Hearing, tenant: Tenant, table: Table, monkeypatch: pytest.MonkeyPatch
):
    hook = heard.hook(tenant, "record.created")
    tenant.create(table, {"Name": "a"}, {"Name": "b"})
    told = Loop._move

    async def killed(*_: Any) -> int:
        raise ConnectionError("killed")

    monkeypatch.setattr(Loop, "_move", killed)
    with pytest.raises(ConnectionError):
        heard.follow()
    assert heard.told(tenant, hook) == []
    monkeypatch.setattr(Loop, "_move", told)
    heard.follow()
    heard.forget(tenant)
    heard.follow()  # all of it a second time
    assert names(heard, tenant, hook) == ["a", "b"]


def test_no_event_is_read_of_a_workspace_that_never_had_a_webhook(
    heard: Hearing,
    tenant: Tenant,
    table: Table,
    database: DatabaseUrls,
    committer: LoopedCommitter,
    monkeypatch: pytest.MonkeyPatch,
):
    other = Tenant(database, committer, base_id=BaseId(new_id())).settle()
    read: set[str] = set()

    async def reading(self: Webhooks, connection: Any, pages: Any) -> Any:
        read.update(page.workspace_id for page in pages)
        return await followed(self, connection, pages)

    followed = Webhooks.follow
    monkeypatch.setattr(Webhooks, "follow", reading)
    hook = heard.hook(tenant, "record.created")
    there = other.table("Name")
    other.create(there, {"Name": "nobody is told"})
    tenant.create(table, {"Name": "told"})
    heard.follow()
    assert tenant.workspace_id in read
    assert other.workspace_id not in read
    assert names(heard, tenant, hook) == ["told"]

    later = heard.hook(other, "record.created")
    other.create(there, {"Name": "told too"})
    heard.follow()
    assert names(heard, other, later) == ["told too"]


@pytest.mark.parametrize("what", ["webhook", "table", "workspace"])
def test_who_rests_is_looked_at_when_anything_about_it_changes(
    heard: Hearing, tenant: Tenant, table: Table, what: str
):
    hook = heard.hook(tenant, "record.*", table_id=table.id)
    tenant.create(table, {"Name": "a"})
    heard.follow()
    with tenant.seeing() as connection:
        connection.execute(
            "UPDATE hooks.receivers SET rests_until = 'infinity' WHERE webhook_id = %s",
            [hook],
        )
    changes = {
        "webhook": UpdateWebhook(hook, {"paused": True}),
        "table": DeleteTable(table.id),
        "workspace": DeleteWorkspace(tenant.workspace_id),
    }
    tenant.do(changes[what])
    heard.follow()
    rests = "SELECT rests_until FROM hooks.receivers WHERE webhook_id = %s"
    assert tenant.rows(rests, hook) == [(None,)]


@pytest.mark.parametrize(
    ("what", "over"),
    [
        ("turned off", True),
        ("webhook", True),
        ("table", True),
        ("workspace", True),
        ("turned off and on", False),
        ("paused", False),
    ],
)
def test_what_waits_for_one_that_is_over_comes_due_to_be_closed(
    heard: Hearing, tenant: Tenant, table: Table, what: str, over: bool
):
    hook = heard.hook(tenant, "record.*", table_id=table.id)
    tenant.create(table, {"Name": "a"})
    heard.follow()
    with tenant.seeing() as connection:
        connection.execute(
            "UPDATE hooks.deliveries SET due_at = 'infinity' WHERE webhook_id = %s",
            [hook],
        )
    off, on = (UpdateWebhook(hook, {"enabled": one}) for one in (False, True))
    changes: dict[str, list[Command]] = {
        "turned off": [off],
        "webhook": [DeleteWebhook(hook)],
        "table": [DeleteTable(table.id)],
        "workspace": [DeleteWorkspace(tenant.workspace_id)],
        "turned off and on": [off, on],
        "paused": [UpdateWebhook(hook, {"paused": True})],
    }
    for command in changes[what]:
        tenant.do(command)

    heard.follow()

    due = "SELECT due_at <= now() FROM hooks.deliveries WHERE webhook_id = %s"
    assert tenant.rows(due, hook) == [(over,)]
