"""Records: reading what a client sends, commands, events, and links of both sides.

Pure.

    reading   what a client sends, as kept values
    cells     what the text of a cell says, as what a client sends
    guessing  which type a column of texts is of
    events    commands, events, inverses
    needs     which facts a command looks at
    attached  files in records
    ends      unique keys, and the other ends of links
    earlier   whether what an inverse writes still fits
    deciding  the rules
    folding   how later commands see earlier ones
    alone     a record along its own events, onwards and back
"""

from domain.record import deciding, folding, needs
from domain.record.events import (
    Change,
    CreateRecords,
    DeleteRecords,
    RecordCreated,
    RecordDeleted,
    RecordLinksChanged,
    RecordRestored,
    RecordUpdated,
    RestoreRecord,
    RestoreRecords,
    UpdateRecords,
    links_of,
)
from domain.record.folding import tally
from domain.record.reading import REQUIRED, read_values

__all__ = [
    "REQUIRED",
    "Change",
    "CreateRecords",
    "DeleteRecords",
    "RecordCreated",
    "RecordDeleted",
    "RecordLinksChanged",
    "RecordRestored",
    "RecordUpdated",
    "RestoreRecord",
    "RestoreRecords",
    "UpdateRecords",
    "deciding",
    "folding",
    "links_of",
    "needs",
    "read_values",
    "tally",
]
