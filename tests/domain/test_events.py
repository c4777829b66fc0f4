"""What every event class keeps to: a stable name, a payload, a stated inverse."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from domain.constraint import ConstraintActivated, ConstraintFailed
from domain.decider import changes_catalog, commands
from domain.events import EVENTS, UPCASTERS, Event, Recorded, decode, event
from domain.file import FileUploaded
from domain.foreign import ForeignAppended
from domain.history import HistoryUndone
from domain.ids import WorkspaceId
from domain.key import KeyCreated, KeyDeleted
from domain.record import RecordLinksChanged
from domain.retype import FieldConverted
from domain.token import TokenCreated, TokenRevoked
from domain.user import (
    AdministrationGranted,
    PasswordChanged,
    ProfileChanged,
    UserRegistered,
)
from domain.webhook import WebhookRenewed, WebhookReplayed
from domain.workspace import WorkspaceCreated
from tests.domain.examples import EXAMPLES
from tests.scenario import SYSTEM

if TYPE_CHECKING:  # an event cannot be changed: strict mypy refuses these two lines,
    # and where it would let them pass it refuses the comments that nothing needs

    def _changes(created: WorkspaceCreated, recorded: Recorded) -> None:
        created.name = "Other"  # type: ignore[misc]
        recorded.seq = 1  # type: ignore[misc]


CLASSES = sorted(EVENTS.values(), key=lambda one: one.TYPE)
FINAL = {
    WorkspaceCreated,
    RecordLinksChanged,
    FieldConverted,
    UserRegistered,
    ProfileChanged,
    AdministrationGranted,
    PasswordChanged,
    KeyCreated,
    KeyDeleted,
    TokenCreated,
    TokenRevoked,
    WebhookRenewed,
    WebhookReplayed,
    FileUploaded,
    ForeignAppended,
    ConstraintActivated,
    ConstraintFailed,
    HistoryUndone,
}


def typed(one: type[Event]) -> str:
    return one.TYPE


@pytest.fixture
def a_new_event() -> Iterator[type[Event]]:
    """An event whose first schema had a `title`, its second a `name`."""

    @event("test.happened", schema=3)
    class Happened(Event):
        thing_id: str
        name: str
        loud: bool

        def inverse(self) -> None:
            return None

    UPCASTERS["test.happened", 1] = lambda data: {"name": data["title"]}
    UPCASTERS["test.happened", 2] = lambda data: data | {"loud": False}
    yield Happened
    del EVENTS["test.happened"]
    del UPCASTERS["test.happened", 1], UPCASTERS["test.happened", 2]


@pytest.mark.parametrize("one", CLASSES, ids=typed)
def test_every_event_states_its_inverse(one: type[Event]):
    assert "inverse" in vars(one), f"{one.TYPE} inherits its inverse"


@pytest.mark.parametrize("one", CLASSES, ids=typed)
def test_an_inverse_is_a_command_that_somebody_decides_or_none_with_a_reason(
    one: type[Event],
):
    inverse = EXAMPLES[one.TYPE, one.SCHEMA].inverse()
    if one in FINAL:
        assert inverse is None
        assert re.search("[Nn]o inverse|Cannot be taken back", one.__doc__ or "")
    else:
        assert type(inverse) in commands()


@pytest.mark.parametrize("one", CLASSES, ids=typed)
def test_an_event_without_an_inverse_follows_another_or_never_goes_back(
    one: type[Event],
):
    inverse = EXAMPLES[one.TYPE, one.SCHEMA].inverse()

    assert (inverse is None) == ("FOLLOWS" in vars(one)), f"{one.TYPE} has to say which"


def test_what_never_goes_back_is_written_out():
    never = {one.TYPE for one in CLASSES if not getattr(one, "FOLLOWS", True)}

    assert never == {
        "workspace.created",
        "user.registered",
        "user.profile_changed",
        "user.administration_granted",
        "user.password_changed",
        "key.created",
        "key.deleted",
        "file.uploaded",
        "foreign.appended",
        "token.created",
        "token.revoked",
        "webhook.renewed",
        "webhook.replayed",
    }


@pytest.mark.parametrize("one", CLASSES, ids=typed)
def test_a_name_is_a_thing_and_what_happened_to_it(one: type[Event]):
    assert re.fullmatch("[a-z]+[.][a-z_]+", one.TYPE)
    assert one.SCHEMA >= 1


def test_the_stream_is_the_first_attribute_and_the_payload_the_others():
    added = EXAMPLES["member.added", 2]

    assert added.stream_id == "11111111-1111-4111-8111-111111111111"
    assert added.PAYLOAD == ("user_id", "role", "since")
    assert added.data() == {
        "user_id": "22222222-2222-4222-8222-222222222222",
        "role": "commenter",
        "since": "2024-01-31T10:00:00.000001Z",
    }


@pytest.mark.parametrize(
    ("schema", "payload", "name", "loud"),
    [
        (1, {"title": "Old"}, "Old", False),
        (2, {"name": "Newer"}, "Newer", False),
        (3, {"name": "New", "loud": True}, "New", True),
    ],
)
def test_an_old_payload_is_read_as_a_new_one(
    a_new_event: Any, schema: int, payload: dict[str, Any], name: str, loud: bool
):
    found = decode("test.happened", schema, "thing", payload)

    assert found == a_new_event("thing", name, loud)


def test_reading_an_old_payload_leaves_it_as_it_is(a_new_event: Any):
    payload = {"title": "Old"}
    decode("test.happened", 1, "thing", payload)

    assert payload == {"title": "Old"}


def test_an_event_of_tomorrow_is_not_guessed_at(a_new_event: Any):
    with pytest.raises(LookupError, match=r"'test\.happened' has a newer schema: 4"):
        decode("test.happened", 4, "thing", {})
    with pytest.raises(LookupError, match=r"unknown event type 'test\.unheard_of'"):
        decode("test.unheard_of", 1, "thing", {})


def test_a_payload_with_another_key_is_no_event(a_new_event: Any):
    for payload in ({"name": "x"}, {"name": "x", "loud": True, "far": 1}):
        with pytest.raises(TypeError):
            decode("test.happened", 3, "thing", payload)


def test_a_name_is_given_once(a_new_event: Any):
    with pytest.raises(ValueError, match=r"two events are called test\.happened"):

        @event("test.happened")
        class Again(Event):
            thing_id: str

    assert EVENTS["test.happened"] is a_new_event


def test_what_is_not_of_the_catalogue_is_beside_it_and_all_else_is_in_it():
    beside = {
        one.TYPE.partition(".")[0]
        for one in CLASSES
        if not changes_catalog(EXAMPLES[one.TYPE, one.SCHEMA])
    }
    within = {
        one.TYPE.partition(".")[0]
        for one in CLASSES
        if changes_catalog(EXAMPLES[one.TYPE, one.SCHEMA])
    }

    assert beside == {
        "file",
        "foreign",
        "key",
        "record",
        "token",
        "user",
        "field",
        "history",
    }
    assert not changes_catalog(EXAMPLES["field.converted", 1])  # of records' values
    assert within == {
        "workspace",
        "member",
        "base",
        "table",
        "field",
        "constraint",
        "view",
        "webhook",
    }


def test_a_recorded_event_is_a_value():
    made = EXAMPLES["base.restored", 1]
    at = "2024-01-01T00:00:01.000000Z"
    one = Recorded(WorkspaceId("w"), 1, 1, at, SYSTEM, made)

    assert one == Recorded(WorkspaceId("w"), 1, 1, at, SYSTEM, made)
