"""What a batch's operations say of those before them: `$name.id`.

    "$name.id"    a whole value or key of a body, and anywhere in a path: the id of
                  what the earlier operation with `ref: name` makes
    "$$name.id"   the text "$name.id" itself: of several $ one is taken away

Every other text is what it says, whatever it begins with.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.errors import Invalid

_NAME = r"(\$*)\$([A-Za-z_][A-Za-z0-9_-]{0,99})\.id"
_WHOLE = re.compile(_NAME)
_WITHIN = re.compile(_NAME + r"(?![A-Za-z0-9_-])")


@dataclass
class References:
    """`given` are all names of the batch, `made` the ids so far; None where the
    operation makes nothing that has one."""

    given: Mapping[str, int]
    made: dict[str, str | None] = field(default_factory=dict)
    stand_in_bodies: bool = True  # False: there is no $ in any

    def in_path(self, path: str) -> str:
        """Raises Invalid for a name that stands for nothing here."""
        return _WITHIN.sub(self._meant, path) if "$" in path else path

    def in_body(self, value: Any) -> Any:
        """The same in JSON: texts and keys."""
        if not self.stand_in_bodies:
            return value
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, dict):
            return {
                self._text(key): self.in_body(one) if type(one) in _SPEAKS else one
                for key, one in value.items()
            }
        if isinstance(value, list):
            return [self.in_body(one) if type(one) in _SPEAKS else one for one in value]
        return value

    def _text(self, text: str) -> str:
        found = _WHOLE.fullmatch(text) if text.startswith("$") else None
        return text if found is None else self._meant(found)

    def _meant(self, found: re.Match[str]) -> str:
        more, name = found.groups()
        if more:
            return found[0][1:]
        if name not in self.given:
            raise Invalid(f"No operation has the ref {name}", reference=name)
        if name not in self.made:
            raise Invalid(
                f"The operation with the ref {name} does not come before this one",
                reference=name,
            )
        made = self.made[name]
        if made is None:
            raise Invalid(
                f"The operation with the ref {name} makes nothing that has an id",
                reference=name,
            )
        return made


_SPEAKS = (str, dict, list)
