"""Structured logging: one line an event, JSON for machines or columns for people, with the request's id on each."""

import logging
import sys
from functools import cache

import structlog

from tessera_shared.config import Log

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


_AUTHORIZATION = "authorization"


def configure(config: Log, service: str) -> None:
    """Set the process's log up; called once at start, before anything can log."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if config.format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _write_controls_as_text,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[config.level]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    get.cache_clear()
    structlog.contextvars.bind_contextvars(service=service)
    logging.getLogger("asyncpg").setLevel(logging.ERROR)  # it shows a traceback for an outage that is one line here
    logging.basicConfig(level=max(LEVELS[config.level], logging.WARNING), stream=sys.stderr, format="%(message)s")


def _write_controls_as_text(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Nothing that came from outside may start a line of its own, or steer the terminal that shows it."""
    for name, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            lines = value.split("\n") if name == "exception" else [value]
            event[name] = "\n".join(_printable(line) for line in lines)
    return event


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def begin_request(request_id: str) -> None:
    """Name the request on each of its lines, and nothing of the one before."""
    structlog.contextvars.unbind_contextvars(_AUTHORIZATION)
    structlog.contextvars.bind_contextvars(request_id=request_id)


def name_authorization(authorization: str) -> None:
    """Name the authorization request that this request belongs to, so that one login can be followed everywhere."""
    structlog.contextvars.bind_contextvars(**{_AUTHORIZATION: authorization})


@cache
def get() -> structlog.typing.FilteringBoundLogger:
    """The logger every module uses; one object, which is put together at its first use, not at each."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return logger
