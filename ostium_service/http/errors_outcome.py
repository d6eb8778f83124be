"""What became of a write, and outside systems that did not answer."""

from ostium_service.http.errors_base import ServiceError


class TxReverted(ServiceError):
    code, status = "TX_REVERTED", 409
    message = "The contracts refused the transaction; details.reason says why."


class ExecutionExpired(ServiceError):
    code, status = "EXECUTION_EXPIRED", 409
    message = "The request became too old before it could be sent. It never reached the chain."


class ExecutionNotFound(ServiceError):
    code, status = "EXECUTION_NOT_FOUND", 404
    message = "There is no such execution."


class FaucetNotAvailable(ServiceError):
    code, status = "FAUCET_NOT_AVAILABLE", 400
    message = "There is a faucet on testnet only."


class FaucetUnavailable(ServiceError):
    code, status, retryable = "FAUCET_UNAVAILABLE", 503, True
    message = "The faucet cannot pay now. Nothing was sent; try again later."


class ChainUnavailable(ServiceError):
    code, status, retryable = "CHAIN_UNAVAILABLE", 503, True
    message = "The chain cannot be reached. Nothing was signed; try again."


class VaultUnavailable(ServiceError):
    code, status, retryable = "VAULT_UNAVAILABLE", 503, True
    message = "The key store cannot be reached. Nothing was signed; try again."


class OstiumServiceTimeout(ServiceError):
    """For reads only: a write that may have reached the chain is never said to be repeatable."""

    code, status, retryable = "OSTIUM_SERVICE_TIMEOUT", 504, True
    message = "The read timed out. Try again."


class OstiumInternalError(ServiceError):
    code, status = "OSTIUM_INTERNAL_ERROR", 500
    message = "Something went wrong in the service. Its logs tell more under this request id."


class MarketsFetchFailed(ServiceError):
    code, status, retryable = "MARKETS_FETCH_FAILED", 502, True
    message = "The markets could not be read. Try again."


class MarketDetailsFailed(ServiceError):
    code, status, retryable = "MARKET_DETAILS_FAILED", 502, True
    message = "The market's details could not be read. Try again."


class FundingFetchFailed(ServiceError):
    code, status, retryable = "FUNDING_FETCH_FAILED", 502, True
    message = "The funding rate could not be read. Try again."


class RolloverFetchFailed(ServiceError):
    code, status, retryable = "ROLLOVER_FETCH_FAILED", 502, True
    message = "The rollover rate could not be read. Try again."


class PriceFetchFailed(ServiceError):
    code, status, retryable = "PRICE_FETCH_FAILED", 502, True
    message = "The price could not be read. Try again."


class BalanceFetchFailed(ServiceError):
    code, status, retryable = "BALANCE_FETCH_FAILED", 502, True
    message = "The balances could not be read. Try again."


class PositionsFetchFailed(ServiceError):
    code, status, retryable = "POSITIONS_FETCH_FAILED", 502, True
    message = "The positions could not be read. Try again."


class OrdersFetchFailed(ServiceError):
    code, status, retryable = "ORDERS_FETCH_FAILED", 502, True
    message = "The orders could not be read. Try again."


class HistoryFetchFailed(ServiceError):
    code, status, retryable = "HISTORY_FETCH_FAILED", 502, True
    message = "The history could not be read. Try again."


class MetricsFetchFailed(ServiceError):
    code, status, retryable = "METRICS_FETCH_FAILED", 502, True
    message = "The position's metrics could not be read. Try again."


class OrderTrackingFailed(ServiceError):
    code, status, retryable = "ORDER_TRACKING_FAILED", 502, True
    message = "The order could not be followed. Try again."


class OpenPositionFailed(ServiceError):
    code, status = "OPEN_POSITION_FAILED", 502
    message = "The position could not be opened. Look at /v1/executions/get before opening it again."


class ClosePositionFailed(ServiceError):
    code, status = "CLOSE_POSITION_FAILED", 502
    message = "The position could not be closed. Look at /v1/executions/get before closing it again."


class UpdateSlFailed(ServiceError):
    code, status = "UPDATE_SL_FAILED", 502
    message = "The stop-loss could not be moved. Look at /v1/executions/get before moving it again."


class UpdateTpFailed(ServiceError):
    code, status = "UPDATE_TP_FAILED", 502
    message = "The take-profit could not be moved. Look at /v1/executions/get before moving it again."


class CancelOrderFailed(ServiceError):
    code, status = "CANCEL_ORDER_FAILED", 502
    message = "The order could not be cancelled. Look at /v1/executions/get before cancelling it again."


class UpdateOrderFailed(ServiceError):
    code, status = "UPDATE_ORDER_FAILED", 502
    message = "The order could not be changed. Look at /v1/executions/get before changing it again."


class AddCollateralFailed(ServiceError):
    code, status = "ADD_COLLATERAL_FAILED", 502
    message = "The collateral could not be added. Look at /v1/executions/get before adding it again."


class RemoveCollateralFailed(ServiceError):
    code, status = "REMOVE_COLLATERAL_FAILED", 502
    message = "The collateral could not be removed. Look at /v1/executions/get before removing it again."


class ReclaimFailed(ServiceError):
    code, status = "RECLAIM_FAILED", 502
    message = "The order could not be reclaimed. Look at /v1/executions/get before reclaiming it again."


class FaucetRequestFailed(ServiceError):
    code, status = "FAUCET_REQUEST_FAILED", 502
    message = "The faucet request failed. Look at /v1/executions/get before asking again."
