"""The staff app."""

from django.apps import AppConfig


class StaffConfig(AppConfig):
    """Above every other app; nothing imports it."""

    name = "staff"

    def ready(self) -> None:
        """Hand `doctor` what it shall look at here."""
        from ostium_service.doctor import register_examination
        from staff.trail import examine_trail

        register_examination("audit_trail", examine_trail)
