"""App configuration."""

from django.apps import AppConfig


class RelayConfig(AppConfig):
    """The only door money leaves by. Halted signers show in /ready, what is under way shows in /metrics."""

    name = "relay"

    def ready(self) -> None:
        """Hand the edge what it shall show of this room."""
        from ostium_service.doctor import register_examination
        from ostium_service.http.health import register_probe
        from ostium_service.observability.metrics import register_gauge
        from relay import selectors
        from relay.services.examining import examine_signers

        register_examination("signers", examine_signers)
        register_probe("signers", selectors.require_no_halted_signer, informational=True)
        register_gauge("ostium_signers", "Signers by state", label="state", read=selectors.count_signers_by_state)
        register_gauge(
            "ostium_transactions_undecided",
            "Stored transactions that the chain has not decided, by state",
            label="state",
            read=selectors.count_undecided_by_state,
        )
