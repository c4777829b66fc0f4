"""JSON schemas of the CMS's replies, for its OpenAPI document."""

from api.cms.fields import TYPES
from api.schemas import (
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

ERROR: Schema = {
    **object_of(statusCode=COUNT, message=TEXT, error=TEXT, code=TEXT),
    "additionalProperties": True,
}
PERSON = object_of(id=ID, email=TEXT, full_name=TEXT, username=TEXT)
SIGNED_IN = object_of(user=PERSON, token=TEXT)
LOGGED_OUT = object_of(logged_out=FLAG)
PROFILE = object_of(
    id=ID,
    email=TEXT,
    username=TEXT,
    full_name=TEXT,
    avatar=MAYBE,
    email_verified=FLAG,
    workspace_id={"type": ["string", "null"], "format": "uuid"},
    created_at=TIME,
    updated_at=TIME,
)

NAMED = object_of(id=ID, name=TEXT, slug=TEXT)
_STATUS: Schema = {"type": "string", "enum": ["Active", "Inactive", "Suspended"]}
_USER = object_of(id=ID, email=TEXT, full_name=TEXT)
_SITE = {"id": ID, "name": TEXT, "slug": TEXT, "status": _STATUS}
_MADE = {"creator_id": ID, "created_at": TIME}
WORKSPACE = object_of(**_SITE, **_MADE, creator=_USER)
WORKSPACE_LISTED = object_of(
    **_SITE,
    created_at=TIME,
    creator=_USER,
    _count=object_of(members=COUNT, object_types=COUNT),
)
WORKSPACE_WHOLE = object_of(
    **_SITE,
    creator=_USER,
    members=array(object_of(id=ID, role=TEXT, status=TEXT, user=_USER)),
    object_types=array(object_of(id=ID, name=TEXT, slug=TEXT, created_at=TIME)),
)
WORKSPACE_DELETED = object_of(**_SITE, **_MADE, updated_at=TIME, is_deleted=FLAG)

_SCHEMA = {
    "name": TEXT,
    "display_name": TEXT,
    "type": {"type": "string", "enum": list(TYPES)},
    "required": FLAG,
    "multiple": FLAG,
    "relation_to": {"anyOf": [NAMED, {"type": "null"}]},
}
FIELD_SCHEMA = object_of(**_SCHEMA)
FIELD_DEFINITION = object_of(
    id=ID, **_SCHEMA, placeholder=MAYBE, default_value={}, private=FLAG
)
_TYPE = {
    "id": ID,
    "name": TEXT,
    "slug": TEXT,
    "workspace_id": ID,
    "public": FLAG,
    "created_at": TIME,
}
_DEFINED = {"field_definitions": array(FIELD_DEFINITION)}
_ENTRIES = object_of(entries=COUNT)
OBJECT_TYPE = object_of(**_TYPE, **_DEFINED, workspace=NAMED)
OBJECT_TYPE_LISTED = object_of(**_TYPE, **_DEFINED, _count=_ENTRIES)
OBJECT_TYPE_WHOLE = object_of(**_TYPE, **_DEFINED, workspace=NAMED, _count=_ENTRIES)
OBJECT_TYPE_DELETED = object_of(**_TYPE, updated_at=TIME, is_deleted=FLAG)


_SHOWN = object_of(
    id=ID,
    object_type_id=ID,
    data={"type": "object"},
    created_at=TIME,
    updated_at=TIME,
)
_META: dict[str, Schema] = {
    "object_type": NAMED,
    "workspace": NAMED,
    "schema": array(FIELD_SCHEMA),
}
PAGINATION = object_of(page=COUNT, limit=COUNT, total=COUNT, pages=COUNT)
PUBLIC_ENTRY = object_of(data=_SHOWN, meta=object_of(**_META))
PUBLIC_LIST = object_of(
    data=array(_SHOWN), meta=object_of(**_META, pagination=PAGINATION)
)
_DATA = {"id": ID, "object_type_id": ID, "data": {"type": "object"}}
_ENTRY = {**_DATA, "created_at": TIME, "updated_at": TIME}
_PLACED = {"id": ID, "name": TEXT, "slug": TEXT, "workspace": NAMED}
ENTRY_NEW = object_of(**_ENTRY, object_type=NAMED, creator=_USER)
ENTRY_LISTED = object_of(**_ENTRY, object_type=object_of(**_PLACED), creator=_USER)
ENTRY = object_of(**_ENTRY, object_type=object_of(**_PLACED, **_DEFINED), creator=_USER)
ENTRY_DELETED = object_of(id=ID, is_deleted=FLAG, updated_at=TIME)
ENTRIES = object_of(entries=array(ENTRY_LISTED), pagination=PAGINATION)
MEDIUM = object_of(
    id=ID,
    name=TEXT,
    size=COUNT,
    type=TEXT,
    url=TEXT,
    sha256=TEXT,
    workspace_id=ID,
    created_by=ID,
    created_at=TIME,
)
