"""JSON schemas of the CMS's replies, for its OpenAPI document."""

from typing import Any, TypeAlias

Schema: TypeAlias = dict[str, Any]

ID: Schema = {"type": "string", "format": "uuid"}
TIME: Schema = {"type": "string", "format": "date-time"}
TEXT: Schema = {"type": "string"}
MAYBE: Schema = {"type": ["string", "null"]}
FLAG: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer"}


def object_of(**properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
    }


def array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


ERROR: Schema = {
    **object_of(statusCode=COUNT, message=TEXT, error=TEXT, code=TEXT),
    "additionalProperties": True,
}
PERSON = object_of(id=ID, email=TEXT, full_name=TEXT, username=TEXT)
SIGNED_IN = object_of(user=PERSON, token=TEXT)
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

# ------------------------------------------------------------------------- entries

DATA: Schema = {"type": "object", "additionalProperties": True}
CREATOR = object_of(id=TEXT, email=TEXT, full_name=TEXT)
_NAMED = {"id": ID, "name": TEXT, "slug": TEXT}
_SITE = object_of(**_NAMED)
_ANY: Schema = {"type": "object", "additionalProperties": True}
_ENTRY = {
    "id": ID,
    "object_type_id": ID,
    "data": DATA,
    "created_at": TIME,
    "updated_at": TIME,
}
NEW_ENTRY = object_of(**_ENTRY, object_type=object_of(**_NAMED), creator=CREATOR)
LISTED_ENTRY = object_of(
    **_ENTRY, object_type=object_of(**_NAMED, workspace=_SITE), creator=CREATOR
)
ENTRY = object_of(
    **_ENTRY,
    object_type=object_of(**_NAMED, workspace=_SITE, field_definitions=array(_ANY)),
    creator=CREATOR,
)
DELETED_ENTRY = object_of(id=ID, is_deleted=FLAG, updated_at=TIME)
ENTRIES = object_of(
    entries=array(LISTED_ENTRY),
    pagination=object_of(page=COUNT, limit=COUNT, total=COUNT, pages=COUNT),
)
