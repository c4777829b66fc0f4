"""Events as a program appends them."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from eventsourcing.persistence import StoredEvent

from commands.embedded import DatabaseUrls
from commands.seal import seal
from projections.postgres import connect

ORDER = UUID("33333333-3333-4333-8333-333333333333")


def appended(version: int, topic: str = "Ordered", **more: Any) -> StoredEvent:
    return replace(StoredEvent(ORDER, version, topic, b"{}"), **more)


def sealed(urls: DatabaseUrls) -> None:
    with connect(urls.app, autocommit=True) as connection:
        while seal(connection):
            pass


def appended_twin(version: int) -> StoredEvent:
    return appended(version, "Paid", originator_id="order 7")
