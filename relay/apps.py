"""App configuration."""

from django.apps import AppConfig


class RelayConfig(AppConfig):
    """The only door money leaves by."""

    name = "relay"
