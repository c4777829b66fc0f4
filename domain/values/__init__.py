"""The values of fields: what each type accepts, keeps and how it compares.

Pure.  A kept value (`Value`) is what an event holds:

    text, long_text   the string            date      "2024-01-31"
    number            "29.99", a decimal    datetime  "2024-01-31T10:00:00Z", UTC
    checkbox          True or False         select    the choice's id
    linked_record     [record id, …]

An empty value is None; "" and [] are read as None.  A family of types has a file; the
list of them all is `registry`.  Source: pybase-values, each type.
"""

from domain.values.choices import MAX_CHOICES
from domain.values.links import MAX_LINKS
from domain.values.moments import datetime_text, parse_datetime, read_date, zone
from domain.values.numbers import MAX_DIGITS, decimal_text
from domain.values.registry import (
    FIELD_TYPES,
    PLANNED_TYPES,
    FieldType,
    read_options,
)
from domain.values.text import MAX_LONG_TEXT, MAX_TEXT
from domain.values.value import BadValue, Value, Values, well_formed

__all__ = [
    "FIELD_TYPES",
    "MAX_CHOICES",
    "MAX_DIGITS",
    "MAX_LINKS",
    "MAX_LONG_TEXT",
    "MAX_TEXT",
    "PLANNED_TYPES",
    "BadValue",
    "FieldType",
    "Value",
    "Values",
    "datetime_text",
    "decimal_text",
    "parse_datetime",
    "read_date",
    "read_options",
    "well_formed",
    "zone",
]
