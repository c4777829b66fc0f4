"""The words that the JSON schemas of every surface's replies are made of."""

from typing import Any, TypeAlias

Schema: TypeAlias = dict[str, Any]

ANY: Schema = {"type": "object"}
ID: Schema = {"type": "string", "format": "uuid"}
TIME: Schema = {"type": "string", "format": "date-time"}
TEXT: Schema = {"type": "string"}
MAYBE: Schema = {"type": ["string", "null"]}
FLAG: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer"}


def object_of(**properties: Schema) -> Schema:
    """An object that has all of these."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
    }


def array(items: Schema) -> Schema:
    return {"type": "array", "items": items}
