"""What every kind of value shares: its forms, its refusal, what can be stored."""

from collections.abc import Mapping
from typing import Any, TypeAlias

Value: TypeAlias = "str | bool | list[Any] | dict[str, Any] | None"
Values: TypeAlias = "Mapping[str, Value]"
Shown: TypeAlias = Any  # JSON as a client reads it, its numbers as Decimal


class BadValue(ValueError):
    """A value that its field does not take; `kind` is the error item's `type`."""

    def __init__(self, message: str, kind: str = "value_error") -> None:
        super().__init__(message)
        self.kind = kind


def well_formed(text: str) -> bool:
    """Whether a string can be stored: no NUL, no lone surrogate."""
    if "\x00" in text:
        return False
    if text.isascii():
        return True
    return not any("\ud800" <= character <= "\udfff" for character in text)
