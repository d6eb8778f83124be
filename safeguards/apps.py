"""App configuration."""

from django.apps import AppConfig


class SafeguardsConfig(AppConfig):
    """What may be done now."""

    name = "safeguards"
