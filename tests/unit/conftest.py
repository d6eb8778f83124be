"""What the service would have written to its log, as it would have written it."""

import logging
from collections.abc import Iterator
from io import StringIO

import pytest

from ostium_service.observability.logging import build_formatter


@pytest.fixture
def written() -> Iterator[StringIO]:
    """The log's text: every line that reaches the root logger, through the service's own formatter."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(build_formatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)
