"""Webhooks: made, changed, renewed, taken away and brought back dead; what an incoming
one may do."""

from collections.abc import Sequence
from typing import Any

import pytest

from domain.catalog import Webhook
from domain.errors import (
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    StaleSchema,
    VersionMismatch,
)
from domain.events import Actor, Command, Event
from domain.field import DeleteField, FieldDeleted
from domain.ids import TableId, WebhookId
from domain.record import CreateRecords, DeleteRecords, RecordCreated
from domain.table import TableDeleted, TableRestored
from domain.webhook import (
    INCOMING,
    MAX_OF_TABLE,
    MAX_OF_WORKSPACE,
    OUTGOING,
    CreateWebhook,
    DeleteWebhook,
    ExpectWebhook,
    RenewWebhook,
    ReplayWebhook,
    RestoreWebhook,
    Target,
    UpdateWebhook,
    WebhookCreated,
    WebhookDeleted,
    WebhookRenewed,
    WebhookReplayed,
    WebhookRestored,
    WebhookUpdated,
    takes,
    works,
)
from domain.workspace import WorkspaceDeleted
from tests.domain.library import BOOKS, THE_AUTHORS, field, webhook
from tests.scenario import WORKSPACE, Store, record, scenario

HOOK = WebhookId("hook")
ADMIN, EDITOR = Actor("user", "admin"), Actor("user", "editor")
SENDER = Actor("webhook", HOOK)
TARGET = Target("target", "https://example.org")
OTHER = Target("other", "http://example.net")
GIVEN: list[Event] = [*BOOKS, field("more", "authors", "More", "text", position=5)]
SCHEMA = Store(GIVEN).catalog.live_table(THE_AUTHORS).schema_seq


def incoming(**mappings: str) -> WebhookCreated:
    found = mappings or {"who": "name"}
    return WebhookCreated(HOOK, "authors", "In", INCOMING, [], found, None, True, False)


TELLING = webhook(HOOK, "authors")
OUT, IN = [*GIVEN, TELLING], [*GIVEN, incoming()]


def wish(events: Sequence[str], table: str | None = "authors", **more: Any) -> Command:
    place = None if table is None else TableId(table)
    return CreateWebhook(HOOK, place, "Hook", OUTGOING, events, target=TARGET, **more)


def wish_in(mappings: dict[str, str], schema_seq: int = SCHEMA) -> CreateWebhook:
    return CreateWebhook(
        HOOK, THE_AUTHORS, "In", INCOMING, mappings=mappings, schema_seq=schema_seq
    )


def the_hook(events: Sequence[Event]) -> Webhook:
    return Store(events).catalog.webhooks[HOOK]


def refused(
    given: Sequence[Event], when: Command, error: type[DomainError], **extra: Any
) -> None:
    scenario(given=given, when=when, refused=error, **extra)


# ------------------------------------------------------------------------- making


def test_an_x_is_made_of_events_and_a_target():
    scenario(given=GIVEN, when=wish(["record.created"]), then=[TELLING], actor=ADMIN)


def test_an_incoming_one_is_made_of_mappings():
    scenario(given=GIVEN, when=wish_in({"who": "name"}), then=[incoming()], actor=ADMIN)


@pytest.mark.parametrize(
    "command",
    [
        wish(["record.created"]),
        UpdateWebhook(HOOK, {"name": "New"}),
        DeleteWebhook(HOOK),
        RestoreWebhook(HOOK),
        RenewWebhook(HOOK, OUTGOING),
        ReplayWebhook(HOOK, 1, 2),
    ],
    ids=lambda one: type(one).__name__,
)
def test_an_editor_makes_and_changes_none(command: Command):
    refused(OUT, command, Forbidden, actor=EDITOR)


@pytest.mark.parametrize(
    ("events", "table"),
    [
        ([], "authors"),
        (["record.moved"], "authors"),
        (["view.created"], "authors"),
        (["entry.created"], "authors"),
        (["object_type.deleted"], None),
        (["*"], None),
        (["record.created", "entry.created"], None),
        (["table.*", "object_type.*"], None),
    ],
    ids=str,
)
def test_its_events_are_known_ones_of_one_family(
    events: Sequence[str], table: str | None
):
    refused(GIVEN, wish(events, table), Invalid, field="events")


def test_one_of_the_workspace_takes_events_of_content():
    made = WebhookCreated(
        HOOK,
        None,
        "Hook",
        OUTGOING,
        ["entry.*", "object_type.created"],
        {},
        TARGET.json(),
        True,
        False,
    )
    events = ["entry.*", "object_type.created", "entry.*"]
    scenario(given=GIVEN, when=wish(events, None), then=[made])


@pytest.mark.parametrize(
    "mappings",
    [
        {"who": "nothing"},
        {"who": "pages"},  # of another table
        {"who": "no"},  # computed
        {"": "name"},
        {"x" * 256: "name"},
        {"who": "name", "whom": "name"},
    ],
    ids=str,
)
def test_its_mappings_are_onto_fields_that_take_values(mappings: dict[str, str]):
    refused(GIVEN, wish_in(mappings), Invalid, field="field_mappings")


def test_mappings_of_an_older_schema_are_read_again():
    refused(GIVEN, wish_in({"who": "name"}, SCHEMA - 1), StaleSchema)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (CreateWebhook(HOOK, THE_AUTHORS, "x", "both"), "type"),
        (CreateWebhook(HOOK, THE_AUTHORS, "x", OUTGOING, ["record.*"]), "url"),
        (CreateWebhook(HOOK, None, "x", INCOMING), "table_id"),
        (CreateWebhook(HOOK, THE_AUTHORS, "x", INCOMING, ["record.*"]), "events"),
        (CreateWebhook(HOOK, THE_AUTHORS, "x", INCOMING, target=TARGET), "url"),
        (wish(["record.*"], mappings={"a": "name"}), "field_mappings"),
    ],
)
def test_each_kind_has_its_own_parts(command: Command, told: str):
    refused(GIVEN, command, Invalid, field=told)


def test_of_a_deleted_table_none_is_made():
    given = [*GIVEN, TableDeleted("authors", "base", "Authors")]
    refused(given, wish(["record.*"]), NotFound)


def test_a_table_and_a_workspace_have_a_limit():
    of_table = [webhook(f"h{number}", "authors") for number in range(MAX_OF_TABLE)]
    refused([*GIVEN, *of_table], wish(["record.*"]), Conflict)
    refused(
        [*GIVEN, *of_table, WebhookDeleted("h0", "authors", "Hook"), TELLING],
        RestoreWebhook(WebhookId("h0")),
        Conflict,
    )
    everywhere = [webhook(f"h{number}") for number in range(MAX_OF_WORKSPACE)]
    refused([*GIVEN, *everywhere], wish(["record.*"]), Conflict)


# ----------------------------------------------------------------------- changing


def test_a_change_says_what_it_was_before():
    changes = {"target": OTHER.json(), "events": ["field.*"], "name": "Hook"}
    scenario(
        given=OUT,
        when=UpdateWebhook(HOOK, changes),
        then=[
            WebhookUpdated(
                HOOK,
                "authors",
                {
                    "target": {"from": TARGET.json(), "to": OTHER.json()},
                    "events": {"from": ["record.created"], "to": ["field.*"]},
                },
            )
        ],
    )


def test_an_address_comes_back_with_an_undo():
    changed = UpdateWebhook(HOOK, {"target": OTHER.json()})
    store = Store(OUT)
    (done,) = store.do(changed)
    assert store.catalog.webhooks[HOOK].target_id == "other"

    undo = done.event.inverse()
    assert undo is not None
    store.do(undo)

    assert store.catalog.webhooks[HOOK].target_id == "target"
    assert store.catalog.webhooks[HOOK].origin == "https://example.org"


def test_a_reason_is_only_of_what_is_turned_off():
    off = UpdateWebhook(HOOK, {"enabled": False, "reason": "It answers 410"})
    turned_off = WebhookUpdated(
        HOOK,
        "authors",
        {
            "enabled": {"from": True, "to": False},
            "reason": {"from": None, "to": "It answers 410"},
        },
    )
    scenario(given=OUT, when=off, then=[turned_off])
    scenario(
        given=[*OUT, turned_off],
        when=UpdateWebhook(HOOK, {"enabled": True}),
        then=[
            WebhookUpdated(
                HOOK,
                "authors",
                {
                    "enabled": {"from": False, "to": True},
                    "reason": {"from": "It answers 410", "to": None},
                },
            )
        ],
    )


def test_a_change_that_rests_on_what_was_there_is_prepared_again():
    changed = UpdateWebhook(HOOK, {"target": OTHER.json()}, known=7)
    refused(OUT, changed, StaleSchema)
    refused(
        OUT,
        UpdateWebhook(HOOK, {"name": "New"}, if_match=7),
        VersionMismatch,
        current_version=1,
    )


@pytest.mark.parametrize(
    ("given", "changes", "told"),
    [
        (OUT, {"events": []}, "events"),
        (OUT, {"events": ["entry.created"]}, "events"),
        (OUT, {"mappings": {"who": "name"}}, "field_mappings"),
        (IN, {"mappings": {"who": "no"}}, "field_mappings"),
        (IN, {"events": ["record.*"]}, "events"),
        (IN, {"target": OTHER.json()}, "url"),
    ],
)
def test_a_change_is_checked_as_what_is_new(
    given: Sequence[Event], changes: dict[str, Any], told: str
):
    command = UpdateWebhook(HOOK, changes, schema_seq=SCHEMA)
    refused(given, command, Invalid, field=told)


def test_a_mapping_is_of_a_field_and_not_of_its_name():
    """A field of the same name that is made anew is another one: threat 25."""
    store = Store([*GIVEN, incoming(who="more")])
    store.do(DeleteField(store.catalog.tables[THE_AUTHORS].by_name["More"].id))
    again = field("again", "authors", "More", "text", position=5)
    kept = Store([*GIVEN, incoming(who="more"), _gone("more"), again]).catalog

    assert kept.webhooks[HOOK].mappings == {"who": "more"}
    assert "more" not in kept.tables[THE_AUTHORS].by_id
    assert store.catalog.webhooks[HOOK].mappings == {"who": "more"}


def _gone(field_id: str) -> FieldDeleted:
    store = Store(GIVEN)
    wanted = store.catalog.tables[THE_AUTHORS].by_id[field_id]
    (found,) = store.do(DeleteField(wanted.id))
    assert isinstance(found.event, FieldDeleted)
    return found.event


# ------------------------------------------------------------- deleted, and back


def test_brought_back_it_is_dead_until_it_is_renewed():
    gone = WebhookDeleted(HOOK, "authors", "Hook")
    back = WebhookRestored(HOOK, "authors", "Hook")
    scenario(given=OUT, when=DeleteWebhook(HOOK), then=[gone])
    scenario(given=[*OUT, gone], when=RestoreWebhook(HOOK), then=[back])
    renewed = WebhookRenewed(HOOK, "authors")
    scenario(
        given=[*OUT, gone, back], when=RenewWebhook(HOOK, OUTGOING), then=[renewed]
    )

    assert works(the_hook(OUT))
    assert not works(the_hook([*OUT, gone, back]))
    assert works(the_hook([*OUT, gone, back, renewed]))
    assert gone.inverse() == RestoreWebhook(HOOK)
    assert back.inverse() == TELLING.inverse() == DeleteWebhook(HOOK)


def test_a_second_deletion_finds_nothing():
    gone = [*OUT, WebhookDeleted(HOOK, "authors", "Hook")]
    for command in (
        DeleteWebhook(HOOK),
        UpdateWebhook(HOOK, {"name": "New"}),
        RenewWebhook(HOOK, OUTGOING),
        ReplayWebhook(HOOK, 1, 2),
    ):
        refused(gone, command, NotFound)
    scenario(given=OUT, when=RestoreWebhook(HOOK), then=[])
    refused(GIVEN, RestoreWebhook(HOOK), NotFound)


def test_it_is_there_as_long_as_its_table():
    gone = TableDeleted("authors", "base", "Authors")
    back = TableRestored("authors", "base", "Authors")
    of_workspace = webhook("wide")

    def live(*events: Event) -> list[str]:
        catalog = Store([*OUT, of_workspace, *events]).catalog
        return [one.id for one in catalog.live_webhooks]

    assert live() == [HOOK, "wide"]
    assert live(gone) == ["wide"]
    assert live(gone, back) == [HOOK, "wide"]
    assert works(the_hook([*OUT, gone, back]))
    assert live(WorkspaceDeleted(WORKSPACE, "Library", "library")) == []
    refused([*OUT, gone], UpdateWebhook(HOOK, {"name": "New"}), NotFound)


@pytest.mark.parametrize(("given", "kind"), [(OUT, INCOMING), (IN, OUTGOING)])
def test_each_kind_is_renewed_in_its_own_way(given: Sequence[Event], kind: str):
    refused(given, RenewWebhook(HOOK, kind), Malformed)


# ---------------------------------------------------------------------- replaying


def test_a_replay_names_positions_that_are_there():
    last = len(OUT)
    told = WebhookReplayed(HOOK, "authors", 1, last, "failed")
    wanted = ReplayWebhook(HOOK, 1, last, "failed")
    scenario(given=OUT, when=wanted, then=[told])
    for first, upto in ((0, 2), (3, 2), (1, last + 1)):
        refused(OUT, ReplayWebhook(HOOK, first, upto), Invalid)
    refused(IN, ReplayWebhook(HOOK, 1, 2), Malformed)
    off = WebhookUpdated(HOOK, "authors", {"enabled": {"from": True, "to": False}})
    refused([*OUT, off], ReplayWebhook(HOOK, 1, 2), Conflict)


def test_a_noun_with_a_star_is_all_of_its_events():
    hook = the_hook(OUT)

    assert takes(hook, "record.created")
    assert not takes(hook, "record.deleted")
    assert not takes(hook, "field.created")
    stars = WebhookUpdated(HOOK, "authors", {"events": {"from": [], "to": ["field.*"]}})
    assert takes(the_hook([*OUT, stars]), "field.deleted")


# ------------------------------------------------------------------ as who it acts


def sent(table: str = "authors") -> CreateRecords:
    return CreateRecords(TableId(table), None, [(record(7), {})])


def test_an_incoming_one_makes_records_of_its_table():
    made = RecordCreated(record(7), "authors", 1, {}, {})
    scenario(given=IN, when=sent(), then=[made], actor=SENDER)


def test_it_does_nothing_else():
    refused(IN, sent("books"), Forbidden, actor=SENDER)
    refused(IN, DeleteRecords(THE_AUTHORS, [record(1)]), Forbidden, actor=SENDER)
    refused(IN, DeleteWebhook(HOOK), Forbidden, actor=SENDER)
    refused(OUT, sent(), Forbidden, actor=SENDER)
    refused(GIVEN, sent(), NotFound, actor=SENDER)


def test_it_does_nothing_while_it_is_off_or_dead():
    off = WebhookUpdated(HOOK, "authors", {"enabled": {"from": True, "to": False}})
    gone = WebhookDeleted(HOOK, "authors", "In")
    back = WebhookRestored(HOOK, "authors", "In")
    lost = TableDeleted("authors", "base", "Authors")
    end = WorkspaceDeleted(WORKSPACE, "Library", "library")
    refused([*IN, off], sent(), Forbidden, actor=SENDER)
    refused([*IN, gone], sent(), NotFound, actor=SENDER)
    refused([*IN, gone, back], sent(), Forbidden, actor=SENDER)
    refused([*IN, lost], sent(), NotFound, actor=SENDER)
    refused([*IN, end], sent(), NotFound, actor=SENDER)


def test_what_was_read_by_another_version_of_it_is_stale():
    renamed = WebhookUpdated(HOOK, "authors", {"name": {"from": "In", "to": "Inbox"}})
    now, then = ExpectWebhook(HOOK, 2), ExpectWebhook(HOOK, 1)
    scenario(given=IN, when=then, then=[], actor=SENDER)
    scenario(given=[*IN, renamed], when=now, then=[], actor=SENDER)
    refused([*IN, renamed], then, StaleSchema, actor=SENDER)
    refused(IN, then, NotFound, actor=Actor("webhook", "other"))
