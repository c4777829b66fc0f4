"""All settings, for people: `doctor`, the docs and `.env.example` read this list."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from commands.settings import PREFIX, Settings
from commands.settings.files import READ_FROM_FILES


@dataclass(frozen=True)
class SettingLine:
    """One setting as `doctor`, the docs and `.env.example` show it; no secrets."""

    variable: str
    value: str
    default: str
    unit: str
    description: str

    @property
    def is_default(self) -> bool:
        return self.value == self.default


def describe(settings: Settings) -> list[SettingLine]:
    """Every setting in its order, with its value; secrets and passwords hidden."""
    return [
        SettingLine(
            variable=PREFIX + name.upper(),
            value=_shown(getattr(settings, name)),
            default=_shown(field.default),
            unit=_unit_of(field),
            description=field.description or "",
        )
        for name, field in Settings.model_fields.items()
    ]


def unknown_variables() -> list[str]:
    """Names in the environment that look like settings and are none: misspellings."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    known |= {f"{PREFIX}{name.upper()}_FILE" for name in READ_FROM_FILES}
    return sorted(
        name for name in os.environ if name.startswith(PREFIX) and name not in known
    )


def _shown(value: object) -> str:
    """A value as it would stand in the environment, without what it should hide."""
    match value:
        case None:
            return ""
        case bool():
            return "on" if value else "off"
        case SecretStr():
            return "********" if value.get_secret_value() else ""
        case tuple():
            return ",".join(value)
        case Path():
            return str(value)
        case _:
            return redacted(str(value))


def redacted(text: str) -> str:
    """`text` with the passwords of its URLs replaced by stars."""
    text = re.sub(r"(://[^/?#@:\s]*):\S*@", r"\1:********@", text)
    return re.sub(r"((?:pass|ssl)word=)[^&\s]*", r"\1********", text)


def _unit_of(field: FieldInfo) -> str:
    """What a value is counted in, or which values there are."""
    if isinstance(field.json_schema_extra, dict):
        return str(field.json_schema_extra["unit"])
    if field.annotation is bool:
        return "on or off"
    choices = get_args(field.annotation)
    return " or ".join(map(str, choices))
