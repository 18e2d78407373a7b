"""Structured logs: one event a line, a dotted fact with its ids."""

from __future__ import annotations

import logging
import sys

import structlog

from prsnl.core.settings.service import Logs


def configure_logging(logs: Logs) -> None:
    """Send our events and those of the libraries to standard error."""
    level = getattr(logging, logs.log_level.upper())
    logging.basicConfig(
        stream=sys.stderr, level=max(level, logging.WARNING), format="%(message)s"
    )
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if logs.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
