"""JSON logs: one object a line, with the ids of request, execution and delegation, and without secrets.

Names used for ids: `request_id`, `execution_id`, `delegation_id`, bound with `structlog.contextvars`.
"""

import logging
from typing import Any, Final

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import Processor

from ostium_service.observability.redaction import redact

# Locals of a frame may hold a key, so no traceback shows any.
_render_exception: Final = structlog.processors.ExceptionRenderer(
    ExceptionDictTransformer(show_locals=False, max_frames=30)
)

_SHARED: Final[tuple[Processor, ...]] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)

# These log request lines, URLs, bodies or every start and end of a periodic job at INFO or DEBUG.
_QUIET: Final = (
    *("urllib3", "requests", "hvac", "asyncio", "web3", "django.db.backends", "django.template"),
    "procrastinate",
)


def _refuse_unprintable(value: Any) -> str:
    return f"[{type(value).__name__}]"


def configure_structlog() -> None:
    """Send structlog through the standard library, so that ours and foreign lines leave by one door."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def build_formatter() -> structlog.stdlib.ProcessorFormatter:
    """The one formatter of every handler; redaction is its last step before JSON."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=list(_SHARED),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.StackInfoRenderer(),
            _render_exception,
            redact,
            structlog.processors.JSONRenderer(default=_refuse_unprintable),
        ],
        # Otherwise the plain traceback would be kept on the record for other handlers.
        keep_exc_info=False,
        keep_stack_info=False,
    )


def logging_config(level: str) -> dict[str, Any]:
    """`logging.config.dictConfig` for the service: JSON on standard error from `level` up.

    Not on standard output, which belongs to what a command was asked to print."""
    name = level.upper() if level.upper() in logging.getLevelNamesMapping() else "INFO"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": build_formatter}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "stream": "ext://sys.stderr", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": name},
        "loggers": {
            **{quiet: {"level": "WARNING"} for quiet in _QUIET},
            "django": {"handlers": [], "level": name, "propagate": True},
            "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
        },
    }
