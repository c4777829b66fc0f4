"""How the library's applications find a Tabellion: its settings, and one of its own.

`TABELLION_DATABASE_URL`, `TABELLION_FOLLOWER_DATABASE_URL` and `TABELLION_DATA_DIR` say
which one, in the environment or in what an application is given; unset, it is the
embedded one of the current directory.
"""

import atexit
import threading
from contextlib import ExitStack
from typing import Any, ClassVar
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import TAggregateID
from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    InfrastructureFactory,
    InfrastructureFactoryError,
    Mapper,
    NotSupportedError,
    ProcessRecorder,
    Transcoder,
)
from eventsourcing.utils import Environment, EnvType
from pydantic import ValidationError

from commands.embedded import DatabaseUrls, EmbeddedPostgresError, database
from commands.recorder.mapping import LedgerMapper
from commands.recorder.recorders import (
    LedgerProcessRecorder,
    LedgerRecorder,
    LedgerTrackingRecorder,
)
from commands.settings import PREFIX, Settings

_SETTINGS = ("database_url", "owner_database_url", "follower_database_url", "data_dir")


class Ledger(Application[UUID]):
    """The application that a projection follows: everything that happened."""

    name = "tabellion"
    env: ClassVar[dict[str, str]] = {"PERSISTENCE_MODULE": "commands.recorder"}


class Factory(InfrastructureFactory[LedgerTrackingRecorder]):
    """Makes recorders over the ledger of one Tabellion."""

    def __init__(self, env: Environment | EnvType | None) -> None:
        super().__init__(env)
        self._urls = _opened.urls(_settings(self.env))
        self._recorders: list[LedgerRecorder] = []

    def mapper(
        self,
        transcoder: Transcoder | None = None,
        mapper_class: type[Mapper[TAggregateID]] | None = None,
    ) -> Mapper[TAggregateID]:
        """Ours, unless `MAPPER_TOPIC` or the caller names another."""
        chosen: Any = mapper_class
        if chosen is None and not self.env.get(self.MAPPER_TOPIC):
            chosen = LedgerMapper
        return super().mapper(transcoder, chosen)

    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        """Raises NotSupportedError for snapshots: the ledger keeps events only."""
        if purpose != "events":
            raise NotSupportedError(f"{purpose} are not kept; set no snapshotting")
        return self.application_recorder()

    def application_recorder(self) -> ApplicationRecorder:
        return self._known(LedgerRecorder(self._urls))

    def tracking_recorder(
        self,
        tracking_recorder_class: type[LedgerTrackingRecorder] | None = None,
    ) -> LedgerTrackingRecorder:
        return (tracking_recorder_class or LedgerTrackingRecorder)(
            self._urls, self.env.name
        )

    def process_recorder(self) -> ProcessRecorder:
        recorder = LedgerProcessRecorder(self._urls, self.env.name)
        self._known(recorder)
        return recorder

    def _known(self, recorder: LedgerRecorder) -> LedgerRecorder:
        self._recorders.append(recorder)
        return recorder

    def close(self) -> None:
        for recorder in self._recorders:
            recorder.close()
        super().close()


def _settings(env: Environment) -> Settings:
    given: dict[str, Any] = {}
    for name in _SETTINGS:
        value = env.get(PREFIX + name.upper())
        if value:
            given[name] = value
    try:
        return Settings(**given)
    except ValidationError as error:
        raise InfrastructureFactoryError(str(error)) from error


class _Opened:
    """The databases of this process, each held once and let go of at its end: the
    library never closes the factory of a view."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._urls: dict[tuple[Any, ...], DatabaseUrls] = {}
        self._held = ExitStack()

    def urls(self, settings: Settings) -> DatabaseUrls:
        key = tuple(getattr(settings, name) for name in _SETTINGS)
        with self._lock:
            if key not in self._urls:
                try:
                    self._urls[key] = self._held.enter_context(database(settings))
                except EmbeddedPostgresError as error:
                    raise InfrastructureFactoryError(str(error)) from error
            return self._urls[key]

    def close(self) -> None:
        with self._lock:
            self._urls.clear()
            self._held.close()


_opened = _Opened()
atexit.register(_opened.close)
