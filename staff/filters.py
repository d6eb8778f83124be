"""Filters of the lists that are no column."""

from datetime import timedelta
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from delegations.selectors import drifting
from delegations.stages import STAGES, filter_stage
from positions.models import UNFINISHED_STATES


class StageFilter(SimpleListFilter):
    """By the finer word beside the status."""

    title = "stage"
    parameter_name = "stage"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        """Every stage there is."""
        return [(stage, stage.replace("_", " ").capitalize()) for stage in STAGES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Those of the chosen stage."""
        stage = self.value()
        return filter_stage(queryset, stage) if stage else queryset


class DriftFilter(SimpleListFilter):
    """Rows that the chain contradicted when it was read last."""

    title = "chain"
    parameter_name = "drift"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        """Contradicted, or never read."""
        return (("yes", "Chain contradicts"), ("unread", "Never read"))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Those of the choice."""
        if self.value() == "yes":
            return drifting(queryset)
        return queryset.filter(checked_at__isnull=True) if self.value() == "unread" else queryset


class UnfinishedFilter(SimpleListFilter):
    """Executions that have not come to an end."""

    title = "progress"
    parameter_name = "unfinished"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        """All of them, or those that take too long."""
        return (("any", "Unfinished"), ("old", "Unfinished for over 2 minutes"))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Those of the choice."""
        unfinished = Q(state__in=UNFINISHED_STATES)
        if self.value() == "old":
            unfinished &= Q(created_at__lt=timezone.now() - timedelta(minutes=2))
        return queryset.filter(unfinished) if self.value() else queryset
