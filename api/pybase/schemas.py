"""JSON schemas of PyBase's replies, for its OpenAPI document."""

from api.schemas import (
    ANY,
    COUNT,
    FLAG,
    ID,
    MAYBE,
    TEXT,
    TIME,
    Schema,
    array,
    object_of,
)
from domain.webhook import KINDS, OF_CONTENT, OF_TABLES
from projections.delivered import STATES


def page(items: Schema) -> Schema:
    return object_of(
        items=array(items),
        total=COUNT,
        limit=COUNT,
        offset=COUNT,
        page=COUNT,
        page_size=COUNT,
    )


def cursor_page(items: Schema) -> Schema:
    meta = object_of(
        next_cursor=MAYBE,
        prev_cursor=MAYBE,
        has_next=FLAG,
        has_prev=FLAG,
        limit=COUNT,
        total_count=COUNT,
    )
    return object_of(items=array(items), meta=meta)


def batch(items: Schema) -> Schema:
    return object_of(items=array(items), total=COUNT)


COMMITTED = object_of(
    batch_id=ID,
    position=COUNT,
    results=array(
        object_of(
            index=COUNT,
            ref=MAYBE,
            status=COUNT,
            body={"description": "What the operation answers alone"},
        )
    ),
)
ERROR = {**object_of(detail=TEXT, code=TEXT), "additionalProperties": True}
HEALTH = object_of(status=TEXT, environment=TEXT, version=TEXT)
USER = object_of(
    id=ID,
    email=TEXT,
    name=TEXT,
    avatar_url=MAYBE,
    is_active=FLAG,
    is_verified=FLAG,
    created_at=TIME,
)
TOKENS = object_of(
    access_token=TEXT, refresh_token=TEXT, token_type=TEXT, expires_in=COUNT
)
SIGNED_IN = object_of(
    user=USER,
    access_token=TEXT,
    refresh_token=TEXT,
    token_type=TEXT,
    expires_in=COUNT,
)
API_KEY = object_of(
    id=ID,
    name=MAYBE,
    key_prefix=TEXT,
    scopes=array(TEXT),
    is_active=FLAG,
    expires_at=MAYBE,
    last_used_at=MAYBE,
    created_at=TIME,
)
NEW_API_KEY = object_of(**API_KEY["properties"], key=TEXT)
ACCESS_TOKEN = object_of(
    id=ID,
    user_id=ID,
    name=MAYBE,
    token_prefix=TEXT,
    is_active=FLAG,
    expires_at=MAYBE,
    last_used_at=MAYBE,
    created_at=TIME,
)
NEW_ACCESS_TOKEN = object_of(**ACCESS_TOKEN["properties"], token=TEXT)
WORKSPACE = object_of(
    id=ID,
    name=TEXT,
    slug=TEXT,
    description=MAYBE,
    owner_id=ID,
    members_count=COUNT,
    role=TEXT,
    created_at=TIME,
    updated_at=TIME,
)
MEMBER = object_of(
    id=ID,
    workspace_id=ID,
    user=object_of(id=ID, email=TEXT, name=TEXT, full_name=TEXT),
    role=TEXT,
    created_at=TIME,
)
BASE = object_of(
    id=ID,
    workspace_id=ID,
    name=TEXT,
    description=MAYBE,
    icon=MAYBE,
    db_name=TEXT,
    tables_count=COUNT,
    created_by=TEXT,
    created_at=TIME,
    updated_at=TIME,
)
FIELD: Schema = object_of(
    id=ID,
    table_id=ID,
    name=TEXT,
    api_name=TEXT,
    type=TEXT,
    field_type=TEXT,
    options=ANY,
    required=FLAG,
    is_required=FLAG,
    is_unique=FLAG,
    is_primary=FLAG,
    is_computed=FLAG,
    description=MAYBE,
    position=COUNT,
    created_at=TIME,
    updated_at=TIME,
)
# of a lookup, a rollup, a formula alone
FIELD["properties"]["computes"] = FLAG
TABLE: Schema = object_of(
    id=ID,
    base_id=ID,
    name=TEXT,
    slug=TEXT,
    description=MAYBE,
    primary_field_id=MAYBE,
    position=COUNT,
    created_by=TEXT,
    created_at=TIME,
    updated_at=TIME,
)
TABLE["properties"]["fields"] = array(FIELD)
CONSTRAINT = object_of(
    id=ID,
    field_id=ID,
    table_id=ID,
    case_sensitive=FLAG,
    status=TEXT,
    error_message=MAYBE,
    error={"type": ["object", "null"]},
    created_by=TEXT,
    created_at=TIME,
)
RECORD = object_of(
    id=ID,
    table_id=ID,
    fields=ANY,
    version=COUNT,
    created_by_id=TEXT,
    last_modified_by_id=TEXT,
    created_at=TIME,
    updated_at=TIME,
)
VIEW = object_of(
    id=ID,
    table_id=ID,
    name=TEXT,
    type=TEXT,
    view_type=TEXT,
    config=ANY,
    type_config=ANY,
    filters=array(ANY),
    sorts=array(object_of(field=TEXT, field_id=TEXT, direction=TEXT)),
    unusable=array(object_of(place=TEXT, reason=TEXT)),
    is_default=FLAG,
    position=COUNT,
    created_by=TEXT,
    created_at=TIME,
    updated_at=TIME,
)
FORM = object_of(
    view_id=ID,
    table_id=ID,
    name=TEXT,
    submit_text=MAYBE,
    fields=array({**FIELD, "properties": {**FIELD["properties"], "label": MAYBE}}),
)
_VIEW_RECORDS = page(RECORD)["properties"]
VIEW_PAGE = object_of(view_id=ID, **_VIEW_RECORDS, records=array(RECORD), has_more=FLAG)
EVENTS = object_of(items=array(ANY), next=COUNT, head=COUNT)
# of a stream: `data` is the envelope, on one line
STREAMED: Schema = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "pattern": "^[0-9]+$"},
        "event": TEXT,
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": ANY,
        },
        "retry": COUNT,
    },
}
CHAIN = object_of(items=array(ANY), next={"type": ["integer", "null"]})
FILE = object_of(
    id=ID,
    name=TEXT,
    size=COUNT,
    type=TEXT,
    url=TEXT,
    sha256=TEXT,
    workspace_id=ID,
    created_by=ID,
    created_at=TEXT,
)
IMPORTED = object_of(
    imported=COUNT, position=COUNT, batch_id=ID, fields_created=array(FIELD)
)
PREVIEW = object_of(
    dialect=object_of(delimiter=TEXT, quote=TEXT),
    encoding=TEXT,
    header=FLAG,
    columns=array(object_of(name=TEXT, type=TEXT, options=ANY, field_id=MAYBE)),
    mapping=ANY,
    rows=array(array(TEXT)),
)

QUEUED = object_of(queued=COUNT)
WEBHOOK = object_of(
    id=ID,
    workspace_id=ID,
    table_id=MAYBE,
    name=TEXT,
    type={"type": "string", "enum": list(KINDS)},
    is_enabled=FLAG,
    is_paused=FLAG,
    disabled_reason=MAYBE,
    needs_renewal=FLAG,
    events=array({"type": "string", "enum": [*OF_TABLES, *OF_CONTENT]}),
    url=TEXT,
    headers={"type": "object", "additionalProperties": TEXT},
    field_mappings={"type": "object", "additionalProperties": TEXT},
    created_by=TEXT,
    created_at=TIME,
    updated_at=TIME,
    version=COUNT,
)
_ONCE: dict[str, Schema] = {
    "secret": {
        "type": "string",
        "pattern": "^whsec_",
        "description": "Of an outgoing one: what its messages are signed with. In this"
        " reply alone",
    },
    "token": {
        "type": "string",
        "pattern": "^whk_",
        "description": "Of an incoming one: who has it may send. In this reply alone,"
        " and in its `url`, which is whole in this reply alone",
    },
}
NEW_WEBHOOK: Schema = {**WEBHOOK, "properties": {**WEBHOOK["properties"], **_ONCE}}

_MAYBE_COUNT: Schema = {"type": ["integer", "null"]}
DELIVERY = object_of(
    id=ID,
    event=TEXT,
    event_id=MAYBE,
    position=_MAYBE_COUNT,
    replayed_by=_MAYBE_COUNT,
    state={"type": "string", "enum": list(STATES)},
    reason=MAYBE,
    created_at=TIME,
    finished_at=MAYBE,
    next_attempt_at=MAYBE,
    request=object_of(
        url=TEXT,
        headers={"type": "object", "additionalProperties": TEXT},
        body=TEXT,
        body_bytes=COUNT,
    ),
    attempts=array(
        object_of(
            number=COUNT,
            at=TIME,
            seconds={"type": "number"},
            status=_MAYBE_COUNT,
            error=MAYBE,
            reply=TEXT,
        )
    ),
)
TESTED = object_of(
    success=FLAG,
    status_code=_MAYBE_COUNT,
    response_body=MAYBE,
    error=MAYBE,
    duration_ms=COUNT,
)

_ACTOR = object_of(kind=TEXT, id=ID, name=MAYBE)
_RESOURCE = object_of(kind=TEXT, id=ID, name=MAYBE)
# by name, from what to what; of links that were changed from their other end: which
# came and which went
_CHANGES: Schema = {"type": "object", "additionalProperties": ANY}
_HAPPENED = object_of(
    position=COUNT,
    event_id=ID,
    type=TEXT,
    at=TIME,
    actor=_ACTOR,
    surface=TEXT,
    batch_id=ID,
    version=COUNT,
    resource=_RESOURCE,
    changes=_CHANGES,
)
HISTORY = object_of(items=array(_HAPPENED), next={"type": ["integer", "null"]})
BLAME: Schema = {
    "type": "object",
    "additionalProperties": object_of(
        value={},
        set_by=MAYBE,
        at=MAYBE,
        position={"type": ["integer", "null"]},
        event_id=MAYBE,
        batch_id=MAYBE,
        via=MAYBE,
    ),
}
DIFF = object_of(
    added=array(RECORD),
    removed=array(RECORD),
    changed=array(object_of(record_id=ID, changes=_CHANGES)),
    schema=array(_HAPPENED),
    **{"from": COUNT, "to": COUNT},
)
AUDIT = object_of(
    items=array(
        object_of(
            position=COUNT,
            event_id=ID,
            type=TEXT,
            at=TIME,
            actor=_ACTOR,
            surface=TEXT,
            address=MAYBE,
            request_id=TEXT,
            batch_id=ID,
            batch_size=COUNT,
            version=COUNT,
            resource=_RESOURCE,
        )
    ),
    next={"type": ["integer", "null"]},
)
UNDONE = object_of(
    batch_id=MAYBE,
    position=COUNT,
    undone=array(ID),
    conflicts=array(object_of(event_id=ID, field=MAYBE, blocked_by=MAYBE)),
    irreversible=array(ID),
)
