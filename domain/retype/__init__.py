"""A change of a field's type: of every value, in one unit, or of none.  Pure.

    field.retyped     the field becomes another: type, options, where its values are
    field.converted   what became of the values of some records, by number; as many
                      events as `parts` of the first one says, behind the unit's others

The table may be too long to be held at once, so it is read twice, stretch by stretch,
under the head's lock: first to find whether all values convert, then (`parts`) to write
what they become.  Taking it back is a change of type too, which finds the old values in
those events: `restores`.  What was written since becomes what it would at any change.

    events    the command, its events, inverses
    work      how values are converted, and which facts that takes
    deciding  the rules
    parts     what became of the values
    folding   how later commands see it
"""

from domain.retype import deciding, folding
from domain.retype.events import FieldConverted, FieldRetyped, RetypeField, Undoing
from domain.retype.parts import parts, parts_to_come

__all__ = [
    "FieldConverted",
    "FieldRetyped",
    "RetypeField",
    "Undoing",
    "deciding",
    "folding",
    "parts",
    "parts_to_come",
]
