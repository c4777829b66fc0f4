"""Ids: their kinds, and how they are laid out.

Pure: milliseconds and random bits are arguments.  Every id is the canonical lower-case
text of a UUID, 36 characters.

    event id   UUIDv7: 48 bits of time, 74 bits random or counting up
    record id  UUIDv8: 48 bits of time, 32 bits of the table's number,
               42 bits that start at random (top bit 0) and count up within a batch

The table's number inside a record's id is why no directory of records is needed.
"""

import re
from typing import NewType

WorkspaceId = NewType("WorkspaceId", str)
UserId = NewType("UserId", str)
BaseId = NewType("BaseId", str)
TableId = NewType("TableId", str)
FieldId = NewType("FieldId", str)
RecordId = NewType("RecordId", str)
ConstraintId = NewType("ConstraintId", str)
ViewId = NewType("ViewId", str)
WebhookId = NewType("WebhookId", str)
BatchId = NewType("BatchId", str)
EventId = NewType("EventId", str)

INSTANCE = WorkspaceId("00000000-0000-0000-0000-000000000000")
# of events that programs of users bring along (domain/foreign.py)
FOREIGN = WorkspaceId("00000000-0000-0000-0000-000000000001")

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_COUNTER_BITS = 42
_LOW_42: int = 2**42 - 1
_LOW_48: int = 2**48 - 1
_LOW_62: int = 2**62 - 1
_MAX_TABLE_NUMBER = 2**32 - 1


def canonical(text: str) -> str | None:
    """The canonical form of a UUID's text, or None where it is not one."""
    lowered = text.lower()
    return lowered if len(text) == 36 and _UUID.fullmatch(lowered) else None


def uuid_text(number: int) -> str:
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def counting(first: int, count: int) -> list[str]:
    """The texts of `count` consecutive numbers: what they share is made once."""
    low = first & (2**48 - 1)
    if low + count > 2**48:
        return [uuid_text(first + step) for step in range(count)]
    shared = uuid_text(first)[:24]
    return [f"{shared}{low + step:012x}" for step in range(count)]


def uuid7_number(milliseconds: int, random_bits: int) -> int:
    high = (random_bits >> 62) & 0xFFF
    low = random_bits & _LOW_62
    time_bits = (milliseconds & _LOW_48) << 80
    return time_bits | 7 << 76 | high << 64 | 2 << 62 | low


def uuid7(milliseconds: int, random_bits: int) -> str:
    """A UUIDv7 of a moment; `random_bits` has 74 bits, the rest is cut off."""
    return uuid_text(uuid7_number(milliseconds, random_bits))


def record_id(milliseconds: int, table_number: int, counter: int) -> RecordId:
    """The id of a record of table `table_number` (1 … 2³² - 1)."""
    return RecordId(uuid_text(_record_number(milliseconds, table_number, counter)))


def record_ids(
    milliseconds: int, table_number: int, counter: int, count: int
) -> list[RecordId]:
    """The ids of `count` new records, counting up; `counter` has its top bit 0."""
    first = _record_number(milliseconds, table_number, counter)
    return [RecordId(one) for one in counting(first, count)]


def _record_number(milliseconds: int, table_number: int, counter: int) -> int:
    if not 0 < table_number <= _MAX_TABLE_NUMBER:
        raise ValueError(f"table number out of range: {table_number}")
    body = table_number << _COUNTER_BITS | counter & _LOW_42
    high = body >> 62
    low = body & _LOW_62
    time_bits = (milliseconds & _LOW_48) << 80
    return time_bits | 8 << 76 | high << 64 | 2 << 62 | low


def moved_to(record: str, table_number: int) -> RecordId:
    """The id that a record has as a copy in another table: the same but for the
    table's number, so that copies are in the order of what they are copies of."""
    number = int(record.replace("-", ""), 16)
    return record_id(number >> 80, table_number, number & _LOW_42)


def table_number_of(record: str) -> int | None:
    """The number of the table that a record's id names; None for any other UUID."""
    if record[14] != "8" or record[19] not in "89ab":
        return None
    number = int(record.replace("-", ""), 16)
    body = ((number >> 64) & 0xFFF) << 62 | number & (2**62 - 1)
    return body >> _COUNTER_BITS
