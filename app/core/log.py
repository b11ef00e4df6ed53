"""Logging: structlog, for people or as JSON lines; the standard library's records go the same way."""

from __future__ import annotations

import logging
import sys

import structlog


def set_up_logging(level: str, style: str) -> None:
    """`level` as in ANYGPT_LOG_LEVEL, `style` is text or json. To stderr: stdout is for what commands answer."""
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if style == "json"
        # a plain traceback: the pretty one prints local variables, and with them keys
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[*shared, renderer]
        if style == "text"
        else [*shared, structlog.processors.format_exc_info, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    for chatty in ("apscheduler", "httpx", "httpcore", "aiohttp.access", "uvicorn", "alembic", "engineio", "socketio"):
        logging.getLogger(chatty).setLevel(max(number, logging.WARNING))
