"""Grants: which delegate may act for which trader, as the signing transaction reads it."""

from django.db import models

from ostium_service.types import Network


class Grant(models.Model):
    """One row per (network, trader): the venue keeps one delegate per trader.

    Delegations write it in the transaction that activates, suspends or ends them; the gate locks and reads it in the
    transaction that signs. So a suspension bites at the next signature in every process, without a cache.
    """

    class State(models.TextChoices):
        ACTIVE = "active"
        WITHDRAWN = "withdrawn"

    network = models.CharField(max_length=10, choices=[(n.value, n.value) for n in Network])
    trader = models.CharField(max_length=42)
    delegate = models.CharField(max_length=42)
    state = models.CharField(max_length=10, choices=State.choices)
    # Stands beside the state: only a resume lifts it, so neither a new approval nor another delegate escapes it.
    suspended = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["network", "trader"], name="one_grant_per_trader"),
            models.CheckConstraint(condition=models.Q(state__in=["active", "withdrawn"]), name="grant_state_known"),
        ]

    def __str__(self) -> str:
        return (
            f"{self.network} {self.trader} -> {self.delegate} ({self.state}{', suspended' if self.suspended else ''})"
        )
