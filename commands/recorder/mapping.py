"""From the ledger's rows to the library's stored events, and on to what they mean.

An event of ours has a name that is no Python path: it is decoded by the registry of
`domain.events`, upcasters and all.
"""

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID, uuid5

import orjson
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import (
    DataError,
    Mapper,
    MapperDeserialisationError,
    Notification,
    StoredEvent,
)
from eventsourcing.utils import TopicError

from domain import nouns  # noqa: F401 - makes every event known
from domain.foreign import ForeignAppended
from domain.ids import FOREIGN
from projections.log import Envelope

_NAMES = UUID(FOREIGN)  # of streams whose originator is no UUID
_HIGHEST = 2**63 - 1
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")  # what Postgres or UTF-8 cannot have


@dataclass(frozen=True)
class LedgerNotification(Notification):
    """A notification with all that the ledger knows of it."""

    envelope: Envelope


def stream_of(originator_id: UUID | str) -> str:
    """The stream of a program's originator; a text is never taken for a UUID."""
    if isinstance(originator_id, UUID):
        return str(originator_id)
    return str(uuid5(_NAMES, originator_id))


def foreign_from(stored: StoredEvent) -> ForeignAppended:
    """A program's event as ours.  Raises DataError for what cannot be kept."""
    originator = stored.originator_id
    name = None if isinstance(originator, UUID) else originator
    for text in (name or "", stored.topic):
        if _NO_TEXT.search(text):
            raise DataError(f"{text!r} has characters that cannot be kept")
    if not 0 <= stored.originator_version < _HIGHEST:
        raise DataError(f"{stored.originator_version} is no version")
    state, encoding = _written(stored.state)
    return ForeignAppended(
        stream_of(originator),
        name,
        stored.originator_version,
        stored.topic,
        state,
        encoding,
    )


def _written(state: bytes) -> tuple[str, str]:
    try:
        text = state.decode()
    except UnicodeDecodeError:
        text = "\x00"
    if "\x00" in text:
        return b64encode(state).decode(), "base64"
    return text, "utf8"


def _state_of(payload: Mapping[str, Any]) -> bytes:
    if payload["encoding"] == "utf8":
        return str(payload["state"]).encode()
    try:
        return b64decode(payload["state"], validate=True)
    except binascii.Error as error:
        raise DataError(f"the state is not base64: {error}") from error


def stored_from(stream: str, version: int, type_: str, data: bytes) -> StoredEvent:
    """A row of the ledger as the library's stored event."""
    if type_ != ForeignAppended.TYPE:
        return StoredEvent(UUID(stream), version, type_, data)
    payload = orjson.loads(data)
    return StoredEvent(
        UUID(stream) if payload["originator"] is None else payload["originator"],
        payload["originator_version"],
        payload["topic"],
        _state_of(payload),
    )


def notification_from(number: int, envelope: Envelope) -> LedgerNotification:
    stored = stored_from(
        envelope.stream, envelope.version, envelope.type, bytes(envelope.data)
    )
    return LedgerNotification(
        stored.originator_id,
        stored.originator_version,
        stored.topic,
        stored.state,
        number,
        envelope,
    )


class LedgerMapper(Mapper[UUID]):
    """Events of ours become `domain.events.Recorded`: place, time, author and event.

    Those of programs are the library's to read, where this program has their classes;
    where it has not they are `Recorded` as well, around a `ForeignAppended`.
    """

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[UUID]:
        if not isinstance(stored_event, LedgerNotification):
            return super().to_domain_event(stored_event)
        if stored_event.envelope.type == ForeignAppended.TYPE:
            try:
                return super().to_domain_event(stored_event)
            except TopicError:
                pass
        try:
            recorded = stored_event.envelope.recorded
        except (LookupError, ValueError, TypeError) as error:
            raise MapperDeserialisationError(
                f"notification {stored_event.id} cannot be read: {error}"
            ) from error
        # what a projection gets is what it asked for; nothing looks in between
        return cast(DomainEventProtocol[UUID], recorded)


class PlainMapper(Mapper[UUID]):
    """Every event of the log as a dict: its envelope, with `data` read.

    For programs that know no class of ours.
    """

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[UUID]:
        if not isinstance(stored_event, LedgerNotification):
            return super().to_domain_event(stored_event)
        envelope = stored_event.envelope
        plain = {**envelope.json(), "data": orjson.loads(envelope.data)}
        return cast(DomainEventProtocol[UUID], plain)
