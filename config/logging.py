"""Log lines of workers, beat and supervisor: one JSON object or one readable line each, never a secret."""

import logging
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from config.redaction import Redaction
from config.settings import LogFormat, LogLevel

#: Chatter at INFO: three lines for each of some ten thousand ticks an hour; httpx shows whole addresses.
QUIET = ("httpx", "httpcore", "kombu", "amqp", "celery.beat", "celery.worker.strategy", "celery.app.trace")
#: What structlog keeps in a line for its own formatter; not text for people.
INTERNAL = ("_record", "_from_structlog")


def configure_logging(form: LogFormat, level: LogLevel, redaction: Redaction, stream: TextIO) -> None:
    """Send every logger of the process through one handler that removes the known secrets."""
    structlog.configure(
        processors=[*_facts(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_facts(), processors=[_cleaning(redaction), _renderer(form, stream)]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.value)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.NOTSET if level is LogLevel.DEBUG else logging.WARNING)


def _facts() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _cleaning(redaction: Redaction) -> Processor:
    """The last step before the line is text; tracebacks become text here, because they hold texts, too."""
    traceback = structlog.processors.format_exc_info

    def clean(logger: WrappedLogger, method: str, line: EventDict) -> EventDict:
        told: dict[str, Any] = {name: value for name, value in line.items() if name not in INTERNAL}
        cleaned: EventDict = redaction.value(dict(traceback(logger, method, told)))
        return cleaned

    return clean


def _renderer(form: LogFormat, stream: TextIO) -> Processor:
    if form is LogFormat.JSON:
        return structlog.processors.JSONRenderer(default=str)
    return structlog.dev.ConsoleRenderer(colors=stream.isatty())
