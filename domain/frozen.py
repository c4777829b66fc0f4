"""Frozen dataclasses of which an undo or a batch makes thousands.

A frozen dataclass sets each attribute through `object.__setattr__`: with eight of them
that takes five times as long as the plain assignments of a class that is not frozen.
So these are frozen to the type checker, which every commit passes, and plain at run
time; they compare and hash as frozen ones do.
"""

from dataclasses import dataclass, field
from typing import Any, TypeVar, dataclass_transform

C = TypeVar("C", bound=type)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: C) -> C:
    """Makes a class a dataclass with slots whose instances nobody may change."""
    made: Any = dataclass(slots=True, unsafe_hash=True)(cls)
    return made  # type: ignore[no-any-return]
