"""Turning what went wrong before the signature into the caller's error."""

from collections.abc import Mapping

from django.db import InterfaceError, OperationalError

from delegations.services import mark_replaced
from ostium_service.gateways.failures import GatewayError, Reverted, System
from ostium_service.gateways.ostium_errors import Revert, catalogue_code, decode_revert
from ostium_service.http import errors
from ostium_service.types import Address, Network
from positions.models import Operation, PerpsExecution
from relay.services import SimulationReverted

FAILED_CODES: Mapping[str, type[errors.ServiceError]] = {
    Operation.OPEN: errors.OpenPositionFailed,
    Operation.CLOSE: errors.ClosePositionFailed,
    Operation.UPDATE_SL: errors.UpdateSlFailed,
    Operation.UPDATE_TP: errors.UpdateTpFailed,
    Operation.ADD_COLLATERAL: errors.AddCollateralFailed,
    Operation.REMOVE_COLLATERAL: errors.RemoveCollateralFailed,
    Operation.CANCEL_ORDER: errors.CancelOrderFailed,
    Operation.UPDATE_ORDER: errors.UpdateOrderFailed,
    Operation.RECLAIM: errors.ReclaimFailed,
    Operation.FAUCET: errors.FaucetRequestFailed,
    Operation.FAUCET_PAYMENT: errors.FaucetRequestFailed,
}


class SignatureInDoubt(Exception):
    """The database went away around the commit that stores a signature: only the stored row tells."""


def describe_refusal(*, error: Exception, execution: PerpsExecution) -> errors.ServiceError:
    """The catalogue error for a failure before the signature: nothing was signed, so nothing can have happened.

    A revert that says the delegate is not ours also corrects the delegation's row. An unexpected failure becomes
    OstiumInternalError.
    """
    if isinstance(error, errors.ServiceError):
        return error
    if isinstance(error, SimulationReverted):
        return _describe_revert(error.revert, execution)
    if isinstance(error, Reverted):
        return _describe_revert(decode_revert(error.data), execution)
    if isinstance(error, GatewayError):
        return describe_gateway_failure(error)
    if isinstance(error, OperationalError | InterfaceError | SignatureInDoubt):
        # A lost connection or a refused commit: the repeated request takes the row over, or finds it signed.
        return errors.ChainUnavailable(details={"reason": "database_unavailable"})
    return errors.OstiumInternalError()


def describe_gateway_failure(error: GatewayError) -> errors.ServiceError:
    """The retryable error of the outside system that failed while reading."""
    by_system: Mapping[System, type[errors.ServiceError]] = {
        System.SUBGRAPH: errors.MarketsFetchFailed,
        System.PRICES: errors.PriceFetchFailed,
        System.VAULT: errors.VaultUnavailable,
    }
    return by_system.get(error.system, errors.ChainUnavailable)(details={"reason": error.token})


def _describe_revert(revert: Revert, execution: PerpsExecution) -> errors.ServiceError:
    code = catalogue_code(revert)
    if code is None:
        return FAILED_CODES[execution.operation](details={"reason": revert.name, "selector": revert.selector})
    if code == errors.DelegationNotActive.code:
        mark_replaced(network=Network(execution.network), trader=Address(execution.trader_address))
    return errors.CATALOGUE[code]()
