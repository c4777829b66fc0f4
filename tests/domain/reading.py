"""Reading values as a field of some type does."""

from typing import Any

import pytest

from domain.catalog import Field
from domain.ids import FieldId, TableId
from domain.values import BadValue, Value


def a_field(type_: str, **options: Any) -> Field:
    return Field(
        id=FieldId("field"),
        table_id=TableId("table"),
        name="Field",
        type=type_,
        options=options,
        required=False,
        description=None,
        position=0,
        primary=True,
        created_at="",
        updated_at="",
    )


def kept(value: Any, type_: str, **options: Any) -> Value:
    field = a_field(type_, **options)
    return field.kind.read(value, field)


def refusal(value: Any, type_: str, **options: Any) -> tuple[str, str]:
    with pytest.raises(BadValue) as refused:
        kept(value, type_, **options)
    return str(refused.value), refused.value.kind
