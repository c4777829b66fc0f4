"""Roles of a workspace and what each allows.

viewer, commenter  read
editor             + writes records, views and form entries
admin              + writes bases, tables, fields, constraints, webhooks,
                     automations, members; reads the audit
owner              + deletes the workspace and hands it over
"""

from enum import IntEnum


class Role(IntEnum):
    """Ordered: a higher role may all that a lower one may."""

    viewer = 1
    commenter = 2
    editor = 3
    admin = 4
    owner = 5


ROLE_NAMES = tuple(role.name for role in Role)


def may(role: Role | None, needed: Role) -> bool:
    return role is not None and role >= needed
