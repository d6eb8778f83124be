"""One door for every line: JSON, with level and name, through one formatter."""

import json
import logging
import logging.config
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
import structlog

from ostium_service.observability.logging import logging_config

ROOT = Path(__file__).parents[3]


def test_a_line_is_one_json_object(written: StringIO) -> None:
    structlog.get_logger("tests.logging").warning("something %s", "happened", number=1, text="a\nb")
    (line,) = written.getvalue().splitlines()
    parsed = json.loads(line)
    parsed.pop("timestamp")
    assert parsed == {
        "event": "something happened",
        "level": "warning",
        "logger": "tests.logging",
        "number": 1,
        "text": "a\nb",
    }


def test_a_line_of_a_library_looks_the_same(written: StringIO) -> None:
    logging.getLogger("tests.library").error("failed %d times", 3, extra={"request": object()})
    parsed = json.loads(written.getvalue())
    parsed.pop("timestamp")
    assert parsed == {"event": "failed 3 times", "level": "error", "logger": "tests.library"}


@pytest.mark.parametrize(("given", "level"), [("debug", "DEBUG"), ("WARNING", "WARNING"), ("nonsense", "INFO")])
def test_the_level_is_a_setting(given: str, level: str) -> None:
    assert logging_config(given)["root"]["level"] == level


def test_logs_leave_on_standard_error_and_leave_standard_output_alone() -> None:
    work = (
        "import logging.config, structlog\n"
        "from ostium_service.observability.logging import configure_structlog, logging_config\n"
        "logging.config.dictConfig(logging_config('INFO'))\n"
        "configure_structlog()\n"
        "structlog.get_logger('a').info('seen')\n"
        "structlog.get_logger('a').debug('unseen')\n"
        "logging.getLogger('urllib3').info('unseen')\n"
        "print('result')\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", work], env=environment, check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "result\n"
    assert [json.loads(line)["event"] for line in done.stderr.splitlines()] == ["seen"]
