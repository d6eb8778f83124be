"""B10: every moment is aware and UTC, and the lint rule that refuses naive ones holds for the whole product."""

import tomllib
import warnings
from datetime import datetime

import pytest
from django.conf import settings

from positions.models import PerpsExecution
from tests.support.services import ROOT


def test_b10_django_works_in_utc() -> None:
    assert (settings.USE_TZ, settings.TIME_ZONE) == (True, "UTC")


def test_b10_naive_moments_are_a_lint_error_everywhere() -> None:
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    ignored = {rule for rules in lint["per-file-ignores"].values() for rule in rules} | set(lint["ignore"])
    assert "DTZ" in lint["select"]
    assert not [rule for rule in ignored if rule.startswith("DTZ")]


def test_b10_a_naive_moment_does_not_reach_a_row() -> None:
    """Django warns, and every warning is an error in the tests."""
    field = PerpsExecution._meta.get_field("ended_at")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning, match="naive datetime"):
            field.get_prep_value(datetime(2026, 3, 29, 2, 30))  # noqa: DTZ001
