"""The staff app."""

from django.apps import AppConfig


class StaffConfig(AppConfig):
    """Above every other app; nothing imports it."""

    name = "staff"
