"""App configuration."""

from django.apps import AppConfig


class MarketsConfig(AppConfig):
    """What can be traded, and at what price."""

    name = "markets"
