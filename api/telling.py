"""What is told of every request that a door has answered: metrics, access log, log."""

import logging
from dataclasses import dataclass

from api.access import AccessLog
from api.door import Finished
from api.http import Request
from api.metrics import Metrics
from api.routes import Route
from domain.errors import DomainError

log = logging.getLogger("tabellion.access")


@dataclass(frozen=True, slots=True)
class Telling:
    """Paths are told as their routes spell them, never as they came."""

    metrics: Metrics
    access: AccessLog

    def of(self, surface: str) -> Finished:
        """What a surface's door calls with each answer."""

        def finished(
            request: Request,
            route: Route | None,
            status: int,
            seconds: float,
            refusal: DomainError | None,
        ) -> None:
            path = route.path if route is not None else "unknown"
            self.metrics.answered(surface, path, request.method, status, seconds)
            self.access.note(request, route, status, refusal)
            if log.isEnabledFor(logging.INFO):
                log.info(
                    "%s %s %s",
                    request.method,
                    path,
                    status,
                    extra={
                        "request_id": request.request_id,
                        "seconds": round(seconds, 6),
                    },
                )

        return finished
