"""Days and moments: "2024-01-31", and "2024-01-31T10:00:00Z" in UTC."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from domain.errors import Json
from domain.values.options import flag, kept, word
from domain.values.value import BadValue, Value

if TYPE_CHECKING:
    from domain.catalog import Field

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(\.\d{1,6})?([Zz]|[+-]\d{2}:\d{2})?",
    re.ASCII,
)


@lru_cache(maxsize=600)
def zone(name: str) -> ZoneInfo:
    """A time zone by its IANA name.  Raises BadValue for any other."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:
        raise BadValue(f"Unknown time zone: {name[:80]!r}") from error


def datetime_text(moment: datetime) -> str:
    """UTC, with a fraction only where there is one, no trailing zeros."""
    text = moment.astimezone(UTC).replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if "." in text else text) + "Z"


def parse_datetime(value: Any, zone_name: str = "UTC") -> datetime:
    """A moment from RFC 3339; without an offset it is a wall time of `zone_name`."""
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise BadValue(
            "Value must be a date and time such as 2024-01-31T10:00:00Z",
            "value_error.datetime",
        )
    day, clock, fraction, offset = found.groups()
    try:
        if offset:
            return datetime.fromisoformat(
                f"{day}T{clock}{fraction or ''}{offset.upper()}"
            ).astimezone(UTC)
        naive = datetime.fromisoformat(f"{day}T{clock}{fraction or ''}")
        moment = naive.replace(tzinfo=zone(zone_name)).astimezone(UTC)
        if moment.astimezone(zone(zone_name)).replace(tzinfo=None) != naive:
            raise BadValue(
                f"There is no such time in {zone_name}", "value_error.datetime"
            )
    except (ValueError, OverflowError) as error:
        if isinstance(error, BadValue):
            raise
        raise BadValue("Value is not a real moment", "value_error.datetime") from error
    return moment


def read_date(value: Any, field: "Field") -> Value:
    if field.option("include_time", False):
        return read_datetime(value, field)
    if value == "":
        return None
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise BadValue("Value must be a date such as 2024-01-31", "value_error.date")
    try:
        date.fromisoformat(value)
    except ValueError as error:
        raise BadValue("Value is not a real day", "value_error.date") from error
    return value


# the form that is kept: what is spelled so needs no conversion, only a real moment
_KEPT_DATETIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


def read_datetime(value: Any, field: "Field") -> Value:
    if value == "":
        return None
    if type(value) is str and _KEPT_DATETIME.fullmatch(value):
        try:
            datetime.fromisoformat(value)
        except ValueError as error:
            raise BadValue(
                "Value is not a real moment", "value_error.datetime"
            ) from error
        return value
    zone_name = str(field.option("timezone", "UTC") or "UTC")
    return datetime_text(parse_datetime(value, zone_name))


def date_options(options: Mapping[str, Any]) -> dict[str, Json]:
    return kept(
        date_format=word(options, "date_format"),
        include_time=flag(options, "include_time"),
        timezone=_zone_option(options),
    )


def datetime_options(options: Mapping[str, Any]) -> dict[str, Json]:
    return kept(
        date_format=word(options, "date_format"),
        time_format=word(options, "time_format"),
        timezone=_zone_option(options),
    )


def _zone_option(options: Mapping[str, Any]) -> str | None:
    name = word(options, "timezone", 80)
    if name:
        zone(name)
    return name
