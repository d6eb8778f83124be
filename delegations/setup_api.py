"""What a user has to set up before trading: the endpoints of the allowance, the readiness and the overview."""

from decimal import Decimal
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from delegations.answer_schemas import EXECUTED_ALLOWANCE, OVERVIEW, PREPARED_ALLOWANCE, READINESS
from delegations.api import (
    DEFAULT_ALLOWANCE,
    EXAMPLE_SAFE,
    EXAMPLE_SIGNATURE,
    EXECUTE_ERRORS,
    PREPARE_ERRORS,
    DelegationView,
    ExecuteSerializer,
    SafeSerializer,
)
from delegations.models import SafeTransaction
from delegations.representation import (
    describe_allowance_outcome,
    describe_overview,
    describe_prepared_allowance,
    describe_readiness,
)
from delegations.services import Readiness, prepare_allowance, read_readiness
from ostium_service.http import errors
from ostium_service.http.fields import ExactDecimalField
from ostium_service.http.operations import describe
from ostium_service.money import USDC_DECIMALS, to_units
from ostium_service.types import UsdcUnits

LARGEST_ASKED = Decimal(10) ** 30
"""Anything above the policy's own limit is refused with LIMIT_EXCEEDED; this only bounds the number."""


class PrepareAllowanceSerializer(SafeSerializer):
    """How much USDC the venue may spend; 0 takes it back."""

    amount = ExactDecimalField(
        places=USDC_DECIMALS,
        minimum=Decimal(0),
        maximum=LARGEST_ASKED,
        above_minimum=False,
        required=False,
        allow_null=True,
        default=None,
    )


@describe(
    request=PrepareAllowanceSerializer,
    answer=PREPARED_ALLOWANCE,
    errors=[*PREPARE_ERRORS, errors.DelegateKeyMissing, errors.LimitExceeded],
    examples={"a limit of its own": {**EXAMPLE_SAFE, "amount": "250"}},
)
class PrepareAllowanceView(DelegationView):
    """POST /v1/allowance/prepare"""

    def post(self, request: Request) -> Response:
        """Build the Safe transaction that approves USDC for tradingStorage alone."""
        fields = self.parsed(request, PrepareAllowanceSerializer)
        amount = fields["amount"] if fields["amount"] is not None else DEFAULT_ALLOWANCE
        prepared = prepare_allowance(
            user_id=fields["userId"],
            network=fields["network"],
            safe=fields["safeAddress"],
            allowance=UsdcUnits(to_units(amount, USDC_DECIMALS)),
            actor=self.actor(fields),
        )
        return self.success(describe_prepared_allowance(prepared))


@describe(
    request=ExecuteSerializer,
    answer=EXECUTED_ALLOWANCE,
    errors=EXECUTE_ERRORS,
    write=True,
    examples={"one owner": {**EXAMPLE_SAFE, "signature": EXAMPLE_SIGNATURE}},
)
class ExecuteAllowanceView(DelegationView):
    """POST /v1/allowance/execute"""

    def post(self, request: Request) -> Response:
        """Execute the prepared approval of USDC with its owners' signatures."""
        outcome = self.run_signed(request, SafeTransaction.Kind.ALLOWANCE)
        return self.success(describe_allowance_outcome(outcome), replayed=outcome.replayed)


class SetupView(DelegationView):
    """What the two reading endpoints share."""

    def read(self, request: Request) -> Readiness:
        """Everything that decides whether the user may trade."""
        fields: dict[str, Any] = self.parsed(request, SafeSerializer)
        return read_readiness(
            user_id=fields["userId"], network=fields["network"], safe=fields["safeAddress"], actor=self.actor(fields)
        )


@describe(request=SafeSerializer, answer=READINESS, examples={"of a Safe": EXAMPLE_SAFE})
class ReadinessView(SetupView):
    """POST /v1/readiness"""

    def post(self, request: Request) -> Response:
        """Every check of the Safe, and what may be done with it now."""
        return self.success(describe_readiness(self.read(request)))


@describe(request=SafeSerializer, answer=OVERVIEW, examples={"of a Safe": EXAMPLE_SAFE})
class OverviewView(SetupView):
    """POST /v1/setup/overview"""

    def post(self, request: Request) -> Response:
        """The delegation, the readiness and the steps that are left."""
        return self.success(describe_overview(self.read(request)))
