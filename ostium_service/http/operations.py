"""What an endpoint takes, answers and refuses, told once beside its view: `@describe(...)`.

From it comes the OpenAPI page; the contract tests hold every answer against it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, TypeVar

from rest_framework import serializers
from rest_framework.views import APIView

from ostium_service.http import errors
from ostium_service.http.errors import ServiceError
from ostium_service.http.schemas import Schema

AnyView = TypeVar("AnyView", bound=type[APIView])
Errors = tuple[type[ServiceError], ...]

EDGE_ERRORS: Final[Errors] = (
    *(errors.Unauthorized, errors.ServerMisconfigured, errors.MethodNotAllowed, errors.LengthRequired),
    *(errors.PayloadTooLarge, errors.UnsupportedMediaType, errors.InvalidJson, errors.ValidationError),
    *(errors.SecretInPayload, errors.InvalidNetwork, errors.RateLimited, errors.OstiumDisabled),
    *(errors.OstiumInternalError, errors.ChainUnavailable),
)
"""What any signed call may be refused with; CHAIN_UNAVAILABLE also stands for a ledger out of reach."""

WRITE_ERRORS: Final[Errors] = (errors.IdempotencyInProgress, errors.IdempotencyKeyReused)
"""What any write may be refused with besides."""

READ_ERRORS: Final[Errors] = (errors.OstiumServiceTimeout,)
"""What a read that asks outside systems may be refused with besides."""

TRADING_ERRORS: Final[Errors] = (
    *(errors.DelegationNotActive, errors.DelegationSuspended, errors.DelegateGasLow, errors.DelegateKeyMissing),
    *(errors.VaultUnavailable, errors.InsufficientBalance, errors.AllowanceMissing, errors.TradingPaused),
    *(errors.NetworkPaused, errors.TraderNotAllowed, errors.LimitExceeded, errors.TxReverted),
    *(errors.ExecutionExpired, errors.MarketsFetchFailed),
)
"""What any trade through a delegate may be refused with besides."""


SLOW = "too_slow"
"""The gateways' token for an outside system that did not answer in its time."""


@dataclass(frozen=True, slots=True)
class Description:
    """One operation. `examples` are bodies by name, each sent by a test; `errors` are all codes, sorted."""

    request: type[serializers.Serializer[Any]]
    answer: Schema
    errors: Errors
    is_write: bool
    examples: Mapping[str, Mapping[str, Any]]


def describe(
    *,
    request: type[serializers.Serializer[Any]],
    answer: Schema,
    errors: Sequence[type[ServiceError]] = (),
    write: bool = False,
    examples: Mapping[str, Mapping[str, Any]],
) -> Callable[[AnyView], AnyView]:
    """Describe the `post` of a ServiceView: its serializer, its `data`, its own errors, and bodies that work.

    `errors` leaves out EDGE_ERRORS, and WRITE_ERRORS or READ_ERRORS as `write` says, since these are added.
    """
    of_kind = WRITE_ERRORS if write else READ_ERRORS if any(map(is_upstream_failure, errors)) else ()
    known = {error.code: error for error in (*EDGE_ERRORS, *of_kind, *errors)}
    description = Description(
        request=request,
        answer=answer,
        errors=tuple(known[code] for code in sorted(known)),
        is_write=write,
        examples=examples,
    )

    def attach(view: AnyView) -> AnyView:
        view.operation = description  # type: ignore[attr-defined]
        return view

    return attach


def is_upstream_failure(error: type[ServiceError] | ServiceError) -> bool:
    """Whether it says that a read of an outside system failed."""
    return error.status == HTTPStatus.BAD_GATEWAY and error.retryable


def is_slow_read(error: ServiceError, operation: object) -> bool:
    """Whether a read failed because an outside system was too slow. Never true of a write."""
    if not isinstance(operation, Description) or operation.is_write or not is_upstream_failure(error):
        return False
    return isinstance(error.details, Mapping) and error.details.get("reason") == SLOW


def description_of(view: object) -> Description:
    """What `describe` attached to a view or its class; LookupError for one that nobody described."""
    found = getattr(view, "operation", None)
    if isinstance(found, Description):
        return found
    raise LookupError(f"{view} has no @describe(...)")
