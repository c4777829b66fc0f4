"""Imports every noun, so that the tables of `domain.decider` are full."""

from domain import (
    base,
    constraint,
    copy,
    field,
    field_order,
    file,
    foreign,
    history,
    key,
    record,
    retype,
    table,
    user,
    view,
    workspace,
)

__all__ = [
    "base",
    "constraint",
    "copy",
    "field",
    "field_order",
    "file",
    "foreign",
    "history",
    "key",
    "record",
    "retype",
    "table",
    "user",
    "view",
    "workspace",
]
