"""What operators look at."""

from api.metrics import Metrics
from api.pybase import operations as ops
from api.pybase import schemas
from api.pybase.routes.rows import (
    public,
)
from api.routes import Route
from api.schemas import ANY


def operation_rows(metrics: Metrics) -> list[Route]:
    tag = "operations"
    text = ops.Exposition(metrics).metrics
    return [
        public("GET", "/health", "Alive", ops.health, tag, response=schemas.HEALTH),
        public("GET", "/ready", "Can serve", ops.ready, tag, response=ANY),
        public("GET", "/info", "What this is", ops.info, tag, response=ANY),
        public("GET", "/metrics", "Prometheus metrics", text, tag),
    ]
