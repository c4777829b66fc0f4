"""Pieces of what clients send, of which every surface makes its bodies.

What only the server checks, such as an id's form, stands in the JSON schema all the
same, so that the OpenAPI document says it: `told`.
"""

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
)

from commands.accounts import MAX_PASSWORD, MIN_PASSWORD
from domain.values import well_formed


def _storable(text: str) -> str:
    if not well_formed(text):
        raise ValueError("has a character that cannot be stored")
    return text


def _named(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    return text


def told(**keywords: Any) -> Any:
    """These keywords in the JSON schema; they are checked elsewhere."""
    return Field(json_schema_extra=keywords)


class NeverNull:
    """A key that may be left out and may not be null; the handler refuses it."""

    def __get_pydantic_json_schema__(
        self, schema: Any, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        kinds: list[dict[str, Any]] = handler(schema)["anyOf"]
        (one,) = [kind for kind in kinds if kind != {"type": "null"}]
        return one


NEVER_NULL = NeverNull()
Text = Annotated[
    str,
    AfterValidator(_storable),
    Field(max_length=10_000, json_schema_extra={"pattern": r"^[^\u0000]*$"}),
]
Name = Annotated[
    str,
    AfterValidator(_storable),
    AfterValidator(_named),
    Field(
        min_length=1,
        max_length=255,
        json_schema_extra={"pattern": r"^[^\u0000]*[^\s\u0000][^\u0000]*$"},
    ),
]
Password = Annotated[str, Field(max_length=1_000_000)]
NewPassword = Annotated[Password, told(minLength=MIN_PASSWORD, maxLength=MAX_PASSWORD)]
Id = Annotated[str, Field(max_length=200, json_schema_extra={"format": "uuid"})]


def _without_null_defaults(schema: dict[str, Any]) -> None:
    """What is left out is no null."""
    for one in schema.get("properties", {}).values():
        if one.get("default", ...) is None:
            del one["default"]


class Shape(BaseModel):
    model_config = ConfigDict(
        extra="ignore", strict=True, json_schema_extra=_without_null_defaults
    )


class ExactShape(Shape):
    """Refuses keys that it does not have: who sends one means something by it."""

    model_config = ConfigDict(extra="forbid")
