"""The values of fields: what each type accepts, keeps and how it compares.

Pure.  A kept value (`Value`) is what an event holds:

    text, long_text   the string            date      "2024-01-31"
    and what is text  also "a@b.org"        datetime  "2024-01-31T10:00:00Z", UTC
    number            "29.99", a decimal    select    the choice's id, or [id, …]
    and what is one   a duration's seconds  user      the user's id, or [id, …]
    checkbox          True or False         linked_record  [record id, …]
    dimension, gdt, thread, material        an object, its numbers decimals as text
    attachment        an array of objects   (`attachments`)
    json              its text, "{\\"a\\": 1}" (`freeform`)
    lookup, rollup, formula                 nothing: they are computed

An empty value is None; "" and [] are read as None.  A family of types has a file; the
list of them all is `registry`.  Source: pybase-values, each type.
"""

from domain.values.attachments import file_ids, file_url
from domain.values.attachments import fits as attachment_fits
from domain.values.choices import MAX_CHOICES
from domain.values.common import COMMON_OPTIONS, read_options, shown_default
from domain.values.content_types import PATTERN, content_type_of, takes
from domain.values.freeform import (
    ITEMS,
    is_kept_json,
    json_from,
    json_of,
    json_text,
    merged,
)
from domain.values.links import MAX_LINKS
from domain.values.moments import datetime_text, parse_datetime, read_date, zone
from domain.values.numbers import MAX_DIGITS, decimal_text
from domain.values.registry import FIELD_TYPES, FieldType, as_kept
from domain.values.text import MAX_LONG_TEXT, MAX_TEXT
from domain.values.users import read_users, user_ids
from domain.values.value import BadValue, Shown, Value, Values, well_formed

__all__ = [
    "COMMON_OPTIONS",
    "FIELD_TYPES",
    "ITEMS",
    "MAX_CHOICES",
    "MAX_DIGITS",
    "MAX_LINKS",
    "MAX_LONG_TEXT",
    "MAX_TEXT",
    "PATTERN",
    "BadValue",
    "FieldType",
    "Shown",
    "Value",
    "Values",
    "as_kept",
    "attachment_fits",
    "content_type_of",
    "datetime_text",
    "decimal_text",
    "file_ids",
    "file_url",
    "is_kept_json",
    "json_from",
    "json_of",
    "json_text",
    "merged",
    "parse_datetime",
    "read_date",
    "read_options",
    "read_users",
    "shown_default",
    "takes",
    "user_ids",
    "well_formed",
    "zone",
]
