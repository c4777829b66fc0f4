"""Secrets that stand in files: those the environment names, and the one made here."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
)

from commands.settings.checks import strong_key
from commands.settings.errors import SettingsError

PREFIX = "TABELLION_"

# settings whose value may stand in a file named by TABELLION_<NAME>_FILE
READ_FROM_FILES = (
    "secret_key",
    "admin_password",
    "database_url",
    "owner_database_url",
    "follower_database_url",
    "oauth_client_secret",
    "redis_url",
    "kafka_password",
    "smtp_url",
)


class FilesNamedBy(PydanticBaseSettingsSource):
    """The contents of the files that `TABELLION_<SECRET>_FILE` of a source names."""

    def __init__(
        self, settings_cls: type[BaseSettings], source: PydanticBaseSettingsSource
    ) -> None:
        super().__init__(settings_cls)
        assert isinstance(source, EnvSettingsSource)
        self._variables: Mapping[str, str | None] = source.env_vars

    def get_field_value(
        self, field: FieldInfo, field_name: str
    ) -> tuple[Any, str, bool]:
        variable = f"{PREFIX}{field_name}_file".lower()
        path = self._variables.get(variable)
        if field_name not in READ_FROM_FILES or not path:
            return None, field_name, False
        if self._variables.get(f"{PREFIX}{field_name}".lower()):
            raise SettingsError(
                f"{PREFIX}{field_name.upper()} and {variable.upper()} are both set"
            )
        try:
            return Path(path).read_text("utf-8").rstrip("\r\n"), field_name, False
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{variable.upper()}: {error}") from error

    def __call__(self) -> dict[str, Any]:
        found = {
            name: self.get_field_value(field, name)[0]
            for name, field in self.settings_cls.model_fields.items()
        }
        return {name: value for name, value in found.items() if value}


def kept_key(data_dir: Path) -> SecretStr:
    """The key in `<data_dir>/secret_key`, made by whoever comes first."""
    path = data_dir / "secret_key"
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _write_once(path, secrets.token_hex(64) + "\n")
        return strong_key(SecretStr(path.read_text("ascii").strip()))
    except (OSError, ValueError) as error:
        raise SettingsError(f"the key in {path}: {error}") from error


def _write_once(path: Path, text: str) -> None:
    """Writes `path`, mode 0600, unless it is there; it is never there in part."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass  # another process was first: its text holds
    finally:
        draft.unlink()
