"""App configuration."""

from django.apps import AppConfig


class PositionsConfig(AppConfig):
    """Trading: executions, positions, orders, accounts."""

    name = "positions"
