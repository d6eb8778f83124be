"""An account's money on chain."""

from typing import Any

from ostium_service import composition
from ostium_service.gateways.arbitrum import Call
from ostium_service.gateways.failures import GatewayError, Reverted
from ostium_service.gateways.ostium_contracts import BALANCE_OF
from ostium_service.http import errors
from ostium_service.money import ETHER_DECIMALS, USDC_DECIMALS, units_string
from ostium_service.types import Address, Network
from positions.services.trader_state import require_output


def read_balances(*, network: Network, address: Address) -> dict[str, Any]:
    """USDC and the native coin of any address, in one request. BalanceFetchFailed when the chain does not answer."""
    usdc = composition.contract_addresses(network).usdc
    call = Call(to=usdc, data=BALANCE_OF.encode(address))
    try:
        state = composition.arbitrum(network).read_state([call], balances=[address])
        held = BALANCE_OF.decode(require_output(state.results[0]))
    except (GatewayError, Reverted) as error:
        raise errors.BalanceFetchFailed(details={"reason": getattr(error, "token", "reverted")}) from error
    return {
        "network": network,
        "address": address,
        "balances": {
            "usdc": units_string(held, USDC_DECIMALS),
            "native": units_string(state.balances[0], ETHER_DECIMALS),
        },
    }
