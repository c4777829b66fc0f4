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

NAMED = object_of(id=ID, name=TEXT, slug=TEXT)
_SHOWN = object_of(
    id=ID,
    object_type_id=ID,
    data={"type": "object"},
    created_at=TIME,
    updated_at=TIME,
)
_DEFINED = object_of(
    name=TEXT,
    display_name=TEXT,
    type=TEXT,
    required=FLAG,
    multiple=FLAG,
    relation_to={"anyOf": [NAMED, {"type": "null"}]},
)
_META: dict[str, Schema] = {
    "object_type": NAMED,
    "workspace": NAMED,
    "schema": array(_DEFINED),
}
PAGINATION = object_of(page=COUNT, limit=COUNT, total=COUNT, pages=COUNT)
PUBLIC_ENTRY = object_of(data=_SHOWN, meta=object_of(**_META))
PUBLIC_LIST = object_of(
    data=array(_SHOWN), meta=object_of(**_META, pagination=PAGINATION)
)
