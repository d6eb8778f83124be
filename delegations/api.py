"""The delegation endpoints: parse, call one service, render."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from delegations.answer_schemas import DELEGATION, EXECUTED, PREPARED, STATUS
from delegations.models import SafeTransaction
from delegations.representation import (
    describe_delegation,
    describe_on_chain,
    describe_outcome,
    describe_prepared,
    describe_timeline,
)
from delegations.services import (
    Outcome,
    Signed,
    execute_signed,
    prepare_approval,
    prepare_revocation,
    read_status,
    report_submission,
)
from ostium_service.http import errors
from ostium_service.http.fields import (
    AddressField,
    HexField,
    MoneyField,
    NetworkField,
    StrictBooleanField,
    TextField,
    WordField,
)
from ostium_service.http.operations import describe
from ostium_service.http.views import ServiceView
from ostium_service.money import USDC_DECIMALS, to_units
from ostium_service.types import UsdcUnits

DEFAULT_ALLOWANCE = Decimal(1000)
"""USDC that tradingStorage may spend unless the caller asks for another amount."""

LARGEST_SIGNATURE = 16_384
"""Bytes of one blob: many signatures joined, contract signatures with their data among them."""

MAX_SIGNATURES = 64

EXAMPLE_SAFE = {
    "network": "testnet",
    "userId": "user-1",
    "safeAddress": "0x1111111111111111111111111111111111111111",
}
EXAMPLE_SIGNATURE = "0x" + "11" * 64 + "1b"

PREPARE_ERRORS = (
    *(errors.SafeWalletMissing, errors.SafeVersionUnsupported, errors.TraderNotAllowed, errors.SafeTxReverted),
    *(errors.NetworkPaused, errors.VaultUnavailable),
)
EXECUTE_ERRORS = (
    *(*PREPARE_ERRORS, errors.SafeTxNotFound, errors.SafeNonceStale, errors.InvalidSignature, errors.SignerNotOwner),
    *(errors.ExecutionExpired, errors.DelegateGasLow, errors.DelegateKeyMissing, errors.DelegationNotActive),
)


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

    signature = HexField(required=False, allow_null=True, default=None, max_length=LARGEST_SIGNATURE)
    signatures = serializers.ListField(
        child=HexField(max_length=LARGEST_SIGNATURE),
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

    def run_signed(self, request: Request, kind: SafeTransaction.Kind) -> Outcome:
        """The execute endpoints' one call: one transaction kind each."""
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
        return execute_signed(signed=signed, actor=self.actor(fields))

    def execute(self, request: Request, kind: SafeTransaction.Kind) -> Response:
        """Execute a transaction of the delegation, and show its row."""
        outcome = self.run_signed(request, kind)
        return self.success(describe_outcome(outcome), replayed=outcome.replayed)


@describe(
    request=PrepareSerializer,
    answer=PREPARED,
    errors=[*PREPARE_ERRORS, errors.DelegateUnknown, errors.DelegateKeyMissing, errors.LimitExceeded],
    examples={"with an allowance": {**EXAMPLE_SAFE, "allowanceAmount": "500"}},
)
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


@describe(
    request=ExecuteSerializer,
    answer=EXECUTED,
    errors=EXECUTE_ERRORS,
    write=True,
    examples={"one owner": {**EXAMPLE_SAFE, "signature": EXAMPLE_SIGNATURE}},
)
class ExecuteView(DelegationView):
    """POST /v1/delegations/execute"""

    def post(self, request: Request) -> Response:
        """Execute the prepared approval with its owners' signatures."""
        return self.execute(request, SafeTransaction.Kind.APPROVE)


@describe(
    request=StatusSerializer,
    answer=STATUS,
    examples={"of a Safe": EXAMPLE_SAFE},
)
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
                "timeline": describe_timeline(status.delegation) if status.delegation else [],
            }
        )


class ReportSerializer(SafeSerializer):
    """Which transaction the client sent."""

    txHash = HexField(length=32)


@describe(
    request=ReportSerializer,
    answer=DELEGATION,
    errors=[errors.DelegationNotFound, errors.SafeTxNotFound, errors.SafeTxReverted],
    examples={"what the client sent": {**EXAMPLE_SAFE, "txHash": "0x" + "ab" * 32}},
)
class ReportView(DelegationView):
    """POST /v1/delegations/report"""

    def post(self, request: Request) -> Response:
        """Settle what the client sent by itself, and show the row as the chain has it."""
        fields = self.parsed(request, ReportSerializer)
        delegation = report_submission(
            user_id=fields["userId"],
            network=fields["network"],
            safe=fields["safeAddress"],
            tx_hash=fields["txHash"],
            actor=self.actor(fields),
        )
        return self.success(describe_delegation(delegation))


@describe(
    request=PrepareRevocationSerializer,
    answer=PREPARED,
    errors=[*PREPARE_ERRORS, errors.DelegationNotFound, errors.DelegationNotActive],
    examples={"the present one": EXAMPLE_SAFE},
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


@describe(
    request=ExecuteSerializer,
    answer=EXECUTED,
    errors=EXECUTE_ERRORS,
    write=True,
    examples={"two owners": {**EXAMPLE_SAFE, "signatures": [EXAMPLE_SIGNATURE, EXAMPLE_SIGNATURE]}},
)
class ExecuteRevocationView(DelegationView):
    """POST /v1/delegations/revoke/execute"""

    def post(self, request: Request) -> Response:
        """Execute the prepared revocation with its owners' signatures."""
        return self.execute(request, SafeTransaction.Kind.REVOKE)
