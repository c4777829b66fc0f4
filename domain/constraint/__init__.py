"""Unique constraints: commands, events, and the digest that two equal values share.

    active    no two records share a value
    disabled  not enforced; `failure` tells of the records that stood against it
    pending   a large table's values are being looked through (`workers/uniqueness.py`):
              the field is not written meanwhile, so what has been seen stays as it is

Pure.  The digest is SHA-256 of the value after NFC, casefolded where the constraint
ignores case; numbers by value; nothing is trimmed; empty values have none.  Arrays are
sets, objects are all their parts: their digest is of canonical JSON.  The name
of that rule is kept in the event, so that a later rule does not change old meaning.

    values    what equal values share, how a refusal tells one
    events    commands, events, inverses
    deciding  the rules
    folding   how later commands see earlier ones
"""

from domain.constraint import deciding, folding
from domain.constraint.deciding import AT_ONCE, MOST_EXAMPLES, SHARED
from domain.constraint.events import (
    ConstraintActivated,
    ConstraintCreated,
    ConstraintDeleted,
    ConstraintFailed,
    ConstraintRestored,
    ConstraintUpdated,
    CreateConstraint,
    DeleteConstraint,
    RestoreConstraint,
    SettleConstraint,
    UpdateConstraint,
)
from domain.constraint.values import FOLDING, duplicate_of, told, unique_digest

__all__ = [
    "AT_ONCE",
    "FOLDING",
    "MOST_EXAMPLES",
    "SHARED",
    "ConstraintActivated",
    "ConstraintCreated",
    "ConstraintDeleted",
    "ConstraintFailed",
    "ConstraintRestored",
    "ConstraintUpdated",
    "CreateConstraint",
    "DeleteConstraint",
    "RestoreConstraint",
    "SettleConstraint",
    "UpdateConstraint",
    "deciding",
    "duplicate_of",
    "folding",
    "told",
    "unique_digest",
]
