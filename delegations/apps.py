"""App configuration."""

from django.apps import AppConfig


class DelegationsConfig(AppConfig):
    """Who may trade for whom."""

    name = "delegations"

    def ready(self) -> None:
        """Let the doctor look at this room too."""
        from delegations.services.examining import examine_delegations
        from ostium_service.doctor import register_examination

        register_examination("delegations", examine_delegations)
