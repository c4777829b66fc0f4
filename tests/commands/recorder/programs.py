"""Events as a program appends them."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from eventsourcing.persistence import StoredEvent

ORDER = UUID("33333333-3333-4333-8333-333333333333")


def appended(version: int, topic: str = "Ordered", **more: Any) -> StoredEvent:
    return replace(StoredEvent(ORDER, version, topic, b"{}"), **more)


def appended_twin(version: int) -> StoredEvent:
    return appended(version, "Paid", originator_id="order 7")
