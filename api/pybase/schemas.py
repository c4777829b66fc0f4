"""JSON schemas of PyBase's replies, for its OpenAPI document."""

from typing import Any, TypeAlias

Schema: TypeAlias = dict[str, Any]

ANY: Schema = {"type": "object"}
_ID: Schema = {"type": "string", "format": "uuid"}
_TIME: Schema = {"type": "string", "format": "date-time"}
_TEXT: Schema = {"type": "string"}
_MAYBE: Schema = {"type": ["string", "null"]}
_FLAG: Schema = {"type": "boolean"}
_COUNT: Schema = {"type": "integer"}


def _object(**properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
    }


def array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def page(items: Schema) -> Schema:
    return _object(
        items=array(items),
        total=_COUNT,
        limit=_COUNT,
        offset=_COUNT,
        page=_COUNT,
        page_size=_COUNT,
    )


def cursor_page(items: Schema) -> Schema:
    meta = _object(
        next_cursor=_MAYBE,
        prev_cursor=_MAYBE,
        has_next=_FLAG,
        has_prev=_FLAG,
        limit=_COUNT,
        total_count=_COUNT,
    )
    return _object(items=array(items), meta=meta)


def batch(items: Schema) -> Schema:
    return _object(items=array(items), total=_COUNT)


COMMITTED = _object(
    batch_id=_ID,
    position=_COUNT,
    results=array(
        _object(
            index=_COUNT,
            ref=_MAYBE,
            status=_COUNT,
            body={"description": "What the operation answers alone"},
        )
    ),
)
ERROR = {**_object(detail=_TEXT, code=_TEXT), "additionalProperties": True}
HEALTH = _object(status=_TEXT, environment=_TEXT, version=_TEXT)
USER = _object(
    id=_ID,
    email=_TEXT,
    name=_TEXT,
    avatar_url=_MAYBE,
    is_active=_FLAG,
    is_verified=_FLAG,
    created_at=_TIME,
)
TOKENS = _object(
    access_token=_TEXT, refresh_token=_TEXT, token_type=_TEXT, expires_in=_COUNT
)
SIGNED_IN = _object(
    user=USER,
    access_token=_TEXT,
    refresh_token=_TEXT,
    token_type=_TEXT,
    expires_in=_COUNT,
)
API_KEY = _object(
    id=_ID,
    name=_MAYBE,
    key_prefix=_TEXT,
    scopes=array(_TEXT),
    is_active=_FLAG,
    expires_at=_MAYBE,
    last_used_at=_MAYBE,
    created_at=_TIME,
)
NEW_API_KEY = _object(**API_KEY["properties"], key=_TEXT)
WORKSPACE = _object(
    id=_ID,
    name=_TEXT,
    slug=_TEXT,
    description=_MAYBE,
    owner_id=_ID,
    members_count=_COUNT,
    role=_TEXT,
    created_at=_TIME,
    updated_at=_TIME,
)
MEMBER = _object(
    id=_ID,
    workspace_id=_ID,
    user=_object(id=_ID, email=_TEXT, name=_TEXT, full_name=_TEXT),
    role=_TEXT,
    created_at=_TIME,
)
BASE = _object(
    id=_ID,
    workspace_id=_ID,
    name=_TEXT,
    description=_MAYBE,
    icon=_MAYBE,
    tables_count=_COUNT,
    created_by=_TEXT,
    created_at=_TIME,
    updated_at=_TIME,
)
FIELD: Schema = _object(
    id=_ID,
    table_id=_ID,
    name=_TEXT,
    type=_TEXT,
    field_type=_TEXT,
    options=ANY,
    required=_FLAG,
    is_required=_FLAG,
    is_unique=_FLAG,
    is_primary=_FLAG,
    is_computed=_FLAG,
    description=_MAYBE,
    position=_COUNT,
    created_at=_TIME,
    updated_at=_TIME,
)
# of a lookup, a rollup, a formula alone
FIELD["properties"]["computes"] = _FLAG
TABLE: Schema = _object(
    id=_ID,
    base_id=_ID,
    name=_TEXT,
    description=_MAYBE,
    primary_field_id=_MAYBE,
    position=_COUNT,
    created_by=_TEXT,
    created_at=_TIME,
    updated_at=_TIME,
)
TABLE["properties"]["fields"] = array(FIELD)
CONSTRAINT = _object(
    id=_ID,
    field_id=_ID,
    table_id=_ID,
    case_sensitive=_FLAG,
    status=_TEXT,
    error_message=_MAYBE,
    error={"type": ["object", "null"]},
    created_by=_TEXT,
    created_at=_TIME,
)
RECORD = _object(
    id=_ID,
    table_id=_ID,
    fields=ANY,
    version=_COUNT,
    created_by_id=_TEXT,
    last_modified_by_id=_TEXT,
    created_at=_TIME,
    updated_at=_TIME,
)
VIEW = _object(
    id=_ID,
    table_id=_ID,
    name=_TEXT,
    type=_TEXT,
    view_type=_TEXT,
    config=ANY,
    type_config=ANY,
    filters=array(ANY),
    sorts=array(_object(field=_TEXT, field_id=_TEXT, direction=_TEXT)),
    unusable=array(_object(place=_TEXT, reason=_TEXT)),
    is_default=_FLAG,
    position=_COUNT,
    created_by=_TEXT,
    created_at=_TIME,
    updated_at=_TIME,
)
FORM = _object(
    view_id=_ID,
    table_id=_ID,
    name=_TEXT,
    submit_text=_MAYBE,
    fields=array({**FIELD, "properties": {**FIELD["properties"], "label": _MAYBE}}),
)
_VIEW_RECORDS = page(RECORD)["properties"]
VIEW_PAGE = _object(view_id=_ID, **_VIEW_RECORDS, records=array(RECORD), has_more=_FLAG)
EVENTS = _object(items=array(ANY), next=_COUNT, head=_COUNT)
# of a stream: `data` is the envelope, on one line
STREAMED: Schema = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "pattern": "^[0-9]+$"},
        "event": _TEXT,
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": ANY,
        },
        "retry": _COUNT,
    },
}
CHAIN = _object(items=array(ANY), next={"type": ["integer", "null"]})
FILE = _object(
    id=_ID,
    name=_TEXT,
    size=_COUNT,
    type=_TEXT,
    url=_TEXT,
    sha256=_TEXT,
    workspace_id=_ID,
    created_by=_ID,
    created_at=_TEXT,
)
IMPORTED = _object(
    imported=_COUNT, position=_COUNT, batch_id=_ID, fields_created=array(FIELD)
)
PREVIEW = _object(
    dialect=_object(delimiter=_TEXT, quote=_TEXT),
    encoding=_TEXT,
    header=_FLAG,
    columns=array(_object(name=_TEXT, type=_TEXT, options=ANY, field_id=_MAYBE)),
    mapping=ANY,
    rows=array(array(_TEXT)),
)

_ACTOR = _object(kind=_TEXT, id=_ID, name=_MAYBE)
_RESOURCE = _object(kind=_TEXT, id=_ID, name=_MAYBE)
# by name, from what to what; of links that were changed from their other end: which
# came and which went
_CHANGES: Schema = {"type": "object", "additionalProperties": ANY}
_HAPPENED = _object(
    position=_COUNT,
    event_id=_ID,
    type=_TEXT,
    at=_TIME,
    actor=_ACTOR,
    surface=_TEXT,
    batch_id=_ID,
    version=_COUNT,
    resource=_RESOURCE,
    changes=_CHANGES,
)
HISTORY = _object(items=array(_HAPPENED), next={"type": ["integer", "null"]})
BLAME: Schema = {
    "type": "object",
    "additionalProperties": _object(
        value={},
        set_by=_MAYBE,
        at=_MAYBE,
        position={"type": ["integer", "null"]},
        event_id=_MAYBE,
        batch_id=_MAYBE,
        via=_MAYBE,
    ),
}
DIFF = _object(
    added=array(RECORD),
    removed=array(RECORD),
    changed=array(_object(record_id=_ID, changes=_CHANGES)),
    schema=array(_HAPPENED),
    **{"from": _COUNT, "to": _COUNT},
)
AUDIT = _object(
    items=array(
        _object(
            position=_COUNT,
            event_id=_ID,
            type=_TEXT,
            at=_TIME,
            actor=_ACTOR,
            surface=_TEXT,
            address=_MAYBE,
            request_id=_TEXT,
            batch_id=_ID,
            batch_size=_COUNT,
            version=_COUNT,
            resource=_RESOURCE,
        )
    ),
    next={"type": ["integer", "null"]},
)
UNDONE = _object(
    batch_id=_MAYBE,
    position=_COUNT,
    undone=array(_ID),
    conflicts=array(_object(event_id=_ID, field=_MAYBE, blocked_by=_MAYBE)),
    irreversible=array(_ID),
)
