"""Refusals by the market, the position, the Safe, the delegation or the keys."""

from ostium_service.http.errors_base import ServiceError


class InvalidMarket(ServiceError):
    code, status = "INVALID_MARKET", 400
    message = "There is no such market. Use a symbol or pairId from /v1/markets/list."


class AmbiguousMarket(ServiceError):
    code, status = "AMBIGUOUS_MARKET", 400
    message = "Several markets match. Name one in full, such as BTC/USD, or by its pairId."


class MarketClosed(ServiceError):
    code, status = "MARKET_CLOSED", 409
    message = "The market is closed now. Try again when it is open."


class DayTradeClosed(ServiceError):
    code, status = "DAY_TRADE_CLOSED", 409
    message = "Day trades of this market are closed now. Open without dayTrade, or later."


class TradingPaused(ServiceError):
    code, status = "TRADING_PAUSED", 503
    message = "Ostium has paused trading on its contracts. Nothing was sent."


class PriceStale(ServiceError):
    code, status, retryable = "PRICE_STALE", 503, True
    message = "There is no price fresh enough to trade on. Nothing was sent; try again shortly."


class LeverageTooHigh(ServiceError):
    code, status = "LEVERAGE_TOO_HIGH", 400
    message = "The leverage is above this market's maximum."


class LeverageTooLow(ServiceError):
    code, status = "LEVERAGE_TOO_LOW", 400
    message = "The leverage is below this market's minimum."


class InvalidStopLoss(ServiceError):
    code, status = "INVALID_STOP_LOSS", 400
    message = "The stop-loss is on the wrong side of the price or further away than the contracts accept."


class InvalidTakeProfit(ServiceError):
    code, status = "INVALID_TAKE_PROFIT", 400
    message = "The take-profit is on the wrong side of the price or further away than the contracts accept."


class PositionTooSmall(ServiceError):
    code, status = "POSITION_TOO_SMALL", 400
    message = "Collateral times leverage is below this market's minimum."


class CollateralTooHigh(ServiceError):
    code, status = "COLLATERAL_TOO_HIGH", 400
    message = "The collateral is above the maximum that the contracts accept for one position."


class ExposureLimit(ServiceError):
    code, status = "EXPOSURE_LIMIT", 409
    message = "The market has no room for a position of this size now. Try a smaller one."


class MaxTradesReached(ServiceError):
    code, status = "MAX_TRADES_REACHED", 409
    message = "The trader holds the maximum number of positions in this market. Close one first."


class MaxPendingOrders(ServiceError):
    code, status = "MAX_PENDING_ORDERS", 409
    message = "The trader has the maximum number of pending market orders. Wait until one has settled."


class PositionNotFound(ServiceError):
    code, status = "POSITION_NOT_FOUND", 404
    message = "The trader has no open position with this pairId and tradeIndex."


class OrderNotFound(ServiceError):
    code, status = "ORDER_NOT_FOUND", 404
    message = "The trader has no such order."


class PositionChanged(ServiceError):
    code, status = "POSITION_CHANGED", 409
    message = "Another position is in this slot now. Read /v1/positions/list and name the one you mean."


class TriggerPending(ServiceError):
    code, status, retryable = "TRIGGER_PENDING", 409, True
    message = "A trigger of this position or order is being executed. Try again when it has settled."


class OrderNotReclaimable(ServiceError):
    code, status = "ORDER_NOT_RECLAIMABLE", 409
    message = "This order cannot be cancelled or reclaimed in this way now."


class OrderCancelled(ServiceError):
    code, status = "ORDER_CANCELLED", 409
    message = "The oracle cancelled the order; details.reason says why."


class InsufficientBalance(ServiceError):
    code, status = "INSUFFICIENT_BALANCE", 400
    message = "The Safe holds less USDC than this needs. Send USDC to the Safe first."


class AllowanceMissing(ServiceError):
    code, status = "ALLOWANCE_MISSING", 400
    message = "The Safe has not granted Ostium a sufficient allowance for this collateral. Renew the USDC allowance."


class SafeWalletMissing(ServiceError):
    code, status = "SAFE_WALLET_MISSING", 400
    message = "Safe wallet not found at this address on this network. Deploy it first."


class SafeVersionUnsupported(ServiceError):
    code, status = "SAFE_VERSION_UNSUPPORTED", 400
    message = "This Safe's version or set-up is not supported. Versions 1.3.0 and 1.4.1 are."


class DelegationNotActive(ServiceError):
    code, status = "DELEGATION_NOT_ACTIVE", 400
    message = "The delegation is not active for this Safe. Prepare one and let the owners sign it."


class DelegationSuspended(ServiceError):
    code, status = "DELEGATION_SUSPENDED", 403
    message = "This delegation is suspended by the operators. Its key signs nothing until they resume it."


class DelegationNotFound(ServiceError):
    code, status = "DELEGATION_NOT_FOUND", 404
    message = "There is no such delegation. Prepare one first."


class DelegateUnknown(ServiceError):
    code, status = "DELEGATE_UNKNOWN", 400
    message = "This delegate address is not one of the service's own on this network."


class DelegateGasLow(ServiceError):
    code, status = "DELEGATE_GAS_LOW", 400
    message = "The delegate wallet gas is low: its operators must send it ether. Nothing was sent."


class DelegateKeyMissing(ServiceError):
    code, status = "DELEGATE_KEY_MISSING", 503
    message = "The delegate's key cannot be used. The operators must look at Vault. Nothing was signed."


class InvalidSignature(ServiceError):
    code, status = "INVALID_SIGNATURE", 400
    message = "A signature does not fit the Safe transaction that was prepared. Sign exactly its typed data."


class SignerNotOwner(ServiceError):
    code, status = "SIGNER_NOT_OWNER", 400
    message = "A signature is by an address that is not an owner of the Safe."


class SafeNonceStale(ServiceError):
    code, status = "SAFE_NONCE_STALE", 409
    message = "The Safe has executed another transaction since this one was prepared. Prepare and sign again."


class SafeTxNotFound(ServiceError):
    code, status = "SAFE_TX_NOT_FOUND", 404
    message = "No Safe transaction is prepared here. Prepare one first."


class SafeTxReverted(ServiceError):
    code, status = "SAFE_TX_REVERTED", 409
    message = "The Safe transaction would fail or has failed on chain; details.reason says why."
