"""Logs: one line an entry, for people or as JSON, without secrets or query strings."""

import logging
import sys

import structlog

from commands.settings import Settings


def configure(settings: Settings) -> None:
    """Sends every logger's entries to standard error in the settings' format."""
    shared: list[structlog.types.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        # no tracebacks with locals: they would hold bodies, and so passwords
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            exception_formatter=structlog.dev.plain_traceback,
        )
    )
    final: list[structlog.types.Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta
    ]
    if settings.log_format == "json":
        final.append(structlog.processors.format_exc_info)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[*final, renderer]
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    # a line a request only where it is asked for
    if settings.log_level != "debug":
        logging.getLogger("tabellion.access").setLevel("WARNING")
    for noisy in ("uvicorn", "uvicorn.error", "psycopg.pool", "httpx2", "httpcore2"):
        logging.getLogger(noisy).setLevel("WARNING")
