"""Imports every noun, so that the tables of `domain.decider` are full."""

from domain import base, constraint, field, key, record, table, user, workspace

__all__ = [
    "base",
    "constraint",
    "field",
    "key",
    "record",
    "table",
    "user",
    "workspace",
]
