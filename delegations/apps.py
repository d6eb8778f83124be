"""App configuration."""

from django.apps import AppConfig


class DelegationsConfig(AppConfig):
    """Who may trade for whom."""

    name = "delegations"
