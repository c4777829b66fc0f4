"""One event of every type and schema number: what each golden file stands for."""

from domain.base import BaseCreated, BaseDeleted, BaseRestored, BaseUpdated
from domain.constraint import (
    ConstraintActivated,
    ConstraintCreated,
    ConstraintDeleted,
    ConstraintFailed,
    ConstraintRestored,
    ConstraintUpdated,
)
from domain.events import Event
from domain.field import FieldCreated, FieldDeleted, FieldRestored, FieldUpdated
from domain.file import FileUploaded
from domain.foreign import ForeignAppended
from domain.history import HistoryUndone
from domain.key import KeyCreated, KeyDeleted
from domain.record import (
    RecordCreated,
    RecordDeleted,
    RecordLinksChanged,
    RecordRestored,
    RecordUpdated,
)
from domain.retype import FieldConverted, FieldRetyped
from domain.table import TableCreated, TableDeleted, TableRestored, TableUpdated
from domain.token import TokenCreated, TokenRevoked
from domain.user import (
    AdministrationGranted,
    PasswordChanged,
    ProfileChanged,
    UserRegistered,
)
from domain.view import ViewCreated, ViewDeleted, ViewRestored, ViewUpdated
from domain.webhook import (
    WebhookCreated,
    WebhookDeleted,
    WebhookRenewed,
    WebhookReplayed,
    WebhookRestored,
    WebhookUpdated,
)
from domain.workspace import (
    MemberAdded,
    MemberRemoved,
    MemberUpdated,
    WorkspaceCreated,
    WorkspaceDeleted,
    WorkspaceRestored,
    WorkspaceUpdated,
)

ONE = "018bcfe5-6800-8000-8000-040000000001"
TWO = "018bcfe5-6800-8000-8000-080000000002"
THREE = "018bcfe5-6800-8000-8000-080000000003"
STREAM = "11111111-1111-4111-8111-111111111111"
OTHER = "22222222-2222-4222-8222-222222222222"
THIRD = "33333333-3333-4333-8333-333333333333"
THEN = "2024-01-31T10:00:00.000001Z"

VALUES = {
    "text": 'Zoë "\\"\n\x01 𝄞 \u2028',
    "number": "-0.12345678901234567890",
    "checkbox": False,
    "date": "2024-02-29",
    "datetime": "2024-02-29T08:00:00.5Z",
    "select": "opt_poem",
    "links": [TWO, THREE],
}
LINKS = {"links": {TWO: 26214401, THREE: 1}}
OWN_PLACES = {"links": [4, 26214401]}

# by type and schema number, in the present form of the event
EXAMPLES: dict[tuple[str, int], Event] = {
    ("workspace.created", 1): WorkspaceCreated(
        STREAM, "Bücherei", "library", "All of it", OTHER
    ),
    ("workspace.created", 2): WorkspaceCreated(
        STREAM, "Bücherei", "library", None, OTHER, "suspended"
    ),
    ("workspace.updated", 1): WorkspaceUpdated(
        STREAM,
        {
            "name": {"from": "Bücherei", "to": "Library"},
            "description": {"from": "All of it", "to": None},
        },
    ),
    ("workspace.deleted", 1): WorkspaceDeleted(STREAM, "Bücherei", "library"),
    ("workspace.restored", 1): WorkspaceRestored(STREAM, "Bücherei", "library"),
    ("history.undone", 1): HistoryUndone(
        STREAM, "batch", "strict", [[7, 7], [12, 1018]]
    ),
    ("member.updated", 1): MemberUpdated(
        STREAM, OTHER, {"role": {"from": "viewer", "to": "admin"}}
    ),
    ("member.added", 1): MemberAdded(STREAM, OTHER, "commenter"),
    ("member.added", 2): MemberAdded(STREAM, OTHER, "commenter", THEN),
    ("member.removed", 1): MemberRemoved(STREAM, OTHER, "admin"),
    ("member.removed", 2): MemberRemoved(STREAM, OTHER, "admin", THEN),
    ("base.created", 1): BaseCreated(STREAM, "Base", None, "📚"),
    ("base.created", 2): BaseCreated(STREAM, "Bücher!", None, "📚", "bucher"),
    ("base.updated", 1): BaseUpdated(STREAM, {"icon": {"from": "📚", "to": None}}),
    ("base.deleted", 1): BaseDeleted(STREAM, "Base"),
    ("base.restored", 1): BaseRestored(STREAM),
    ("table.created", 1): TableCreated(STREAM, OTHER, 7, "Authors", "Who", 0),
    ("table.created", 2): TableCreated(
        STREAM, OTHER, 7, "Authors", "Who", 0, "authors_2"
    ),
    ("table.created", 3): TableCreated(
        STREAM, OTHER, 7, "Blog Post", None, 0, "blog-post", True
    ),
    ("table.updated", 1): TableUpdated(
        STREAM, {"name": {"from": "Authors", "to": "Writers"}}
    ),
    ("table.deleted", 1): TableDeleted(STREAM, OTHER, "Writers"),
    ("table.restored", 1): TableRestored(STREAM, OTHER, "Writers"),
    ("field.created", 1): FieldCreated(
        STREAM,
        OTHER,
        "Genre",
        "single_select",
        {"choices": [{"id": "opt_poem", "name": "Poem", "color": "red"}]},
        True,
        None,
        2,
        False,
    ),
    ("field.created", 2): FieldCreated(
        STREAM, OTHER, "日本", "text", {}, False, None, 2, False, "field_3"
    ),
    ("token.created", 1): TokenCreated(STREAM, OTHER, None),
    ("token.revoked", 1): TokenRevoked(STREAM, OTHER),
    ("field.updated", 1): FieldUpdated(
        STREAM,
        OTHER,
        {
            "required": {"from": True, "to": False},
            "options": {"from": {}, "to": {"precision": 2, "allow_negative": False}},
        },
    ),
    ("field.retyped", 1): FieldRetyped(
        STREAM,
        OTHER,
        {
            "type": {"from": "text", "to": "number"},
            "options": {"from": {"max_length": 10}, "to": {"precision": 2}},
            "slot": {"from": "", "to": "number"},
        },
        "text-to-number-1",
        THIRD,
        2,
        1,
        None,
    ),
    ("field.converted", 1): FieldConverted(
        THIRD,
        OTHER,
        STREAM,
        0,
        17,
        {
            STREAM: {"from": "1.50", "to": "1.5"},
            OTHER: {"from": "Straße", "to": None},
            THIRD: {
                "from": [STREAM],
                "to": "Ada",
                "removed": {STREAM: 5},
                "own_places": {"from": None, "to": []},
            },
        },
        STREAM,
    ),
    ("field.converted", 2): FieldConverted(
        THIRD,
        OTHER,
        STREAM,
        0,
        17,
        {
            STREAM: {"from": "1.50", "to": "1.5"},
            OTHER: {"from": "Straße", "to": None},
            THIRD: {
                "from": [STREAM],
                "to": "Ada",
                "removed": {STREAM: 5},
                "own_places": {"from": [26214401], "to": []},
            },
        },
        STREAM,
    ),
    ("field.deleted", 1): FieldDeleted(STREAM, OTHER, "Genre"),
    ("field.restored", 1): FieldRestored(STREAM, OTHER, "Genre"),
    ("constraint.created", 1): ConstraintCreated(
        STREAM, OTHER, THIRD, False, "active", "{value} is there", "nfc-casefold-1"
    ),
    ("constraint.updated", 1): ConstraintUpdated(
        STREAM, OTHER, THIRD, {"status": {"from": "active", "to": "disabled"}}
    ),
    ("constraint.updated", 2): ConstraintUpdated(
        STREAM,
        OTHER,
        THIRD,
        {
            "status": {"from": "disabled", "to": "active"},
            "failure": {
                "from": {
                    "type": "number",
                    "examples": [{"records": [TWO, THREE], "value": "0.10"}],
                },
                "to": None,
            },
        },
    ),
    ("constraint.deleted", 1): ConstraintDeleted(STREAM, OTHER, THIRD),
    ("constraint.restored", 1): ConstraintRestored(STREAM, OTHER, THIRD),
    ("constraint.restored", 2): ConstraintRestored(STREAM, OTHER, THIRD, "pending"),
    ("constraint.activated", 1): ConstraintActivated(STREAM, OTHER, THIRD),
    ("constraint.failed", 1): ConstraintFailed(
        STREAM,
        OTHER,
        THIRD,
        "number",
        [{"records": [TWO, THREE], "value": "0.10"}],
    ),
    ("view.created", 1): ViewCreated(
        STREAM,
        OTHER,
        "Ausgänge 📤",
        "form",
        {
            "fields": [THIRD, {"field_id": STREAM, "required": True, "label": "Wer?"}],
            "submit_text": "Ab",
        },
        [
            {"OR": [{"field": THIRD, "operator": "eq", "value": "opt_poem"}]},
            {
                "NOT": {
                    "field": "created_at",
                    "operator": "lt",
                    "value": "2024-01-31",
                }
            },
            {"field": OTHER, "operator": "gt", "value": {"number": "29.99"}},
            {"field": OTHER, "operator": "is_empty", "value": None},
        ],
        [{"field": THIRD, "direction": "desc"}],
        3,
    ),
    ("view.updated", 1): ViewUpdated(
        STREAM,
        OTHER,
        {
            "position": {"from": 3, "to": 0},
            "type": {"from": "form", "to": "grid"},
            "config": {"from": {"submit_text": "Ab"}, "to": {"frozen_columns": 2}},
            "filters": {
                "from": [{"field": THIRD, "operator": "eq", "value": "x"}],
                "to": [],
            },
        },
    ),
    ("view.deleted", 1): ViewDeleted(STREAM, OTHER, "Ausgänge 📤"),
    ("view.restored", 1): ViewRestored(STREAM, OTHER, "Ausgänge 📤"),
    ("webhook.created", 1): WebhookCreated(
        STREAM,
        OTHER,
        "Größen 📏",
        "outgoing",
        ["record.created", "field.*"],
        {},
        {"id": THIRD, "origin": "https://example.org:8443"},
        True,
        False,
    ),
    ("webhook.updated", 1): WebhookUpdated(
        STREAM,
        None,
        {
            "name": {"from": "Größen 📏", "to": "Sizes"},
            "events": {"from": ["entry.*"], "to": ["entry.created"]},
            "mappings": {"from": {}, "to": {"who": THIRD}},
            "target": {
                "from": {"id": THIRD, "origin": "https://example.org"},
                "to": {"id": OTHER, "origin": "http://example.net"},
            },
            "enabled": {"from": True, "to": False},
            "reason": {"from": None, "to": "The receiver is gone"},
        },
    ),
    ("webhook.deleted", 1): WebhookDeleted(STREAM, OTHER, "Größen 📏"),
    ("webhook.restored", 1): WebhookRestored(STREAM, None, "Größen 📏"),
    ("webhook.renewed", 1): WebhookRenewed(STREAM, OTHER),
    ("webhook.replayed", 1): WebhookReplayed(STREAM, None, 12, 345, "failed"),
    ("record.created", 1): RecordCreated(ONE, OTHER, 1, VALUES, LINKS),
    ("record.updated", 1): RecordUpdated(
        ONE,
        OTHER,
        {
            "text": {"from": "Ada", "to": None},
            "number": {"from": None, "to": "1815"},
            "links": {
                "from": [TWO],
                "to": [THREE],
                "added": {THREE: 26214401},
                "removed": {TWO: 1},
                "own_places": {"from": None, "to": [0]},
            },
        },
    ),
    ("record.updated", 2): RecordUpdated(
        ONE,
        OTHER,
        {
            "text": {"from": "Ada", "to": None},
            "number": {"from": None, "to": "1815"},
            "links": {
                "from": [TWO],
                "to": [THREE],
                "added": {THREE: 26214401},
                "removed": {TWO: 1},
                "own_places": {"from": [4], "to": [26214401]},
            },
        },
    ),
    ("record.links_changed", 1): RecordLinksChanged(
        ONE, OTHER, THIRD, [[TWO, 26214401]], [[THREE, 0]]
    ),
    ("record.deleted", 1): RecordDeleted(ONE, OTHER, 1, VALUES, LINKS, THEN, THIRD),
    ("record.deleted", 2): RecordDeleted(
        ONE, OTHER, 1, VALUES, LINKS, THEN, THIRD, OWN_PLACES
    ),
    ("record.restored", 1): RecordRestored(ONE, OTHER, 1, VALUES, LINKS, THEN, THIRD),
    ("record.restored", 2): RecordRestored(
        ONE, OTHER, 1, VALUES, LINKS, THEN, THIRD, OWN_PLACES
    ),
    ("user.registered", 1): UserRegistered(STREAM),
    ("user.profile_changed", 1): ProfileChanged(STREAM, ["email", "name"]),
    ("user.password_changed", 1): PasswordChanged(STREAM),
    ("user.administration_granted", 1): AdministrationGranted(STREAM),
    ("key.created", 1): KeyCreated(STREAM, OTHER, ["read", "write"], THEN),
    ("file.uploaded", 1): FileUploaded(
        STREAM, "Zoë\u2019s plan.pdf", "application/pdf", 123_456_789_012, "ab" * 32
    ),
    ("foreign.appended", 1): ForeignAppended(
        STREAM, "order 7", 0, "shop:Ordered", '{"for":"Zoë"}', "utf8"
    ),
    ("key.deleted", 1): KeyDeleted(STREAM, OTHER),
}
