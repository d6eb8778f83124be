"""The delegation endpoints: parse, call one service, render."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from delegations.models import SafeTransaction
from delegations.representation import describe_delegation, describe_on_chain, describe_outcome, describe_prepared
from delegations.services import Signed, execute_signed, prepare_approval, prepare_revocation, read_status
from ostium_service.http.fields import (
    AddressField,
    HexField,
    MoneyField,
    NetworkField,
    StrictBooleanField,
    TextField,
    WordField,
)
from ostium_service.http.views import ServiceView
from ostium_service.money import USDC_DECIMALS, to_units
from ostium_service.types import UsdcUnits

DEFAULT_ALLOWANCE = Decimal(1000)
"""USDC that tradingStorage may spend unless the caller asks for another amount."""

SIGNATURE_BYTES = 65
MAX_SIGNATURES = 64


class SafeSerializer(serializers.Serializer[Any]):
    """Who asks, and for which Safe."""

    network = NetworkField()
    userId = TextField(min=1, max=128)
    safeAddress = AddressField()


class PrepareSerializer(SafeSerializer):
    """Which delegate, and what it may spend."""

    delegateAddress = AddressField(required=False, allow_null=True, default=None)
    withAllowance = StrictBooleanField(required=False, default=True)
    allowanceAmount = MoneyField(required=False, allow_null=True, default=None)


class PrepareRevocationSerializer(SafeSerializer):
    """Which delegation; the Safe's present one when no delegate is named."""

    delegateAddress = AddressField(required=False, allow_null=True, default=None)


class ExecuteSerializer(SafeSerializer):
    """The owners' signatures: `signature` (one, or several joined), `signatures`, or both."""

    signature = HexField(required=False, allow_null=True, default=None, max_length=MAX_SIGNATURES * SIGNATURE_BYTES)
    signatures = serializers.ListField(
        child=HexField(max_length=MAX_SIGNATURES * SIGNATURE_BYTES),
        required=False,
        allow_null=True,
        default=None,
        max_length=MAX_SIGNATURES,
    )
    safeTxHash = HexField(length=32, required=False, allow_null=True, default=None)
    submit = WordField(words=("relay", "client"), required=False, allow_null=True, default=None)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """At least one signature, as bytes under `blobs`."""
        given = [*(attrs["signatures"] or ()), *([attrs["signature"]] if attrs["signature"] else ())]
        if not given:
            raise serializers.ValidationError({"signature": "A signature, or a list of signatures, is required."})
        return {**attrs, "blobs": [bytes.fromhex(text[2:]) for text in given]}


class StatusSerializer(serializers.Serializer[Any]):
    """Whose delegation; without a Safe the one that matters most."""

    network = NetworkField()
    userId = TextField(min=1, max=128)
    safeAddress = AddressField(required=False, allow_null=True, default=None)
    delegateAddress = AddressField(required=False, allow_null=True, default=None)


class DelegationView(ServiceView):
    """What the delegation endpoints share."""

    def actor(self, fields: Mapping[str, Any]) -> str:
        """Who asks, for the delegation's story."""
        return f"user {fields['userId']}, request {self.request_id(self.request)}"

    def execute(self, request: Request, kind: SafeTransaction.Kind) -> Response:
        """Both execute endpoints: one transaction kind each."""
        fields = self.parsed(request, ExecuteSerializer)
        signed = Signed(
            user_id=fields["userId"],
            network=fields["network"],
            safe=fields["safeAddress"],
            kind=kind,
            signatures=fields["blobs"],
            safe_tx_hash=fields["safeTxHash"],
            submit=fields["submit"],
        )
        outcome = execute_signed(signed=signed, actor=self.actor(fields))
        return self.success(describe_outcome(outcome), replayed=outcome.replayed)


class PrepareView(DelegationView):
    """POST /v1/delegations/prepare"""

    def post(self, request: Request) -> Response:
        """Build the Safe transaction that makes our delegate the Safe's."""
        fields = self.parsed(request, PrepareSerializer)
        amount = fields["allowanceAmount"] if fields["allowanceAmount"] is not None else DEFAULT_ALLOWANCE
        prepared = prepare_approval(
            user_id=fields["userId"],
            network=fields["network"],
            safe=fields["safeAddress"],
            delegate=fields["delegateAddress"],
            allowance=UsdcUnits(to_units(amount, USDC_DECIMALS)) if fields["withAllowance"] else None,
            actor=self.actor(fields),
        )
        return self.success(describe_prepared(prepared))


class ExecuteView(DelegationView):
    """POST /v1/delegations/execute"""

    def post(self, request: Request) -> Response:
        """Execute the prepared approval with its owners' signatures."""
        return self.execute(request, SafeTransaction.Kind.APPROVE)


class StatusView(DelegationView):
    """POST /v1/delegations/status"""

    def post(self, request: Request) -> Response:
        """The row, corrected by what the chain says."""
        fields = self.parsed(request, StatusSerializer)
        status = read_status(
            user_id=fields["userId"],
            network=fields["network"],
            safe=fields["safeAddress"],
            delegate=fields["delegateAddress"],
            actor=self.actor(fields),
        )
        return self.success(
            {
                "network": fields["network"].value,
                "delegation": describe_delegation(status.delegation) if status.delegation else None,
                "onChain": describe_on_chain(status.on_chain),
            }
        )


class PrepareRevocationView(DelegationView):
    """POST /v1/delegations/revoke/prepare"""

    def post(self, request: Request) -> Response:
        """Build the Safe transaction that calls removeDelegate()."""
        fields = self.parsed(request, PrepareRevocationSerializer)
        prepared = prepare_revocation(
            user_id=fields["userId"],
            network=fields["network"],
            safe=fields["safeAddress"],
            delegate=fields["delegateAddress"],
            actor=self.actor(fields),
        )
        return self.success(describe_prepared(prepared))


class ExecuteRevocationView(DelegationView):
    """POST /v1/delegations/revoke/execute"""

    def post(self, request: Request) -> Response:
        """Execute the prepared revocation with its owners' signatures."""
        return self.execute(request, SafeTransaction.Kind.REVOKE)
