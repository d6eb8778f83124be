"""What the trading endpoints answer, for the API page and the contract tests."""

from typing import Final

from ostium_service.http.schemas import (
    ADDRESS,
    ANYTHING,
    BOOLEAN,
    DECIMAL,
    HASH,
    INTEGER,
    NETWORK,
    TEXT,
    TIME,
    UUID,
    extend,
    many,
    named,
    nullable,
    one_of,
    record,
    sometimes,
)

BALANCE: Final = record(network=NETWORK, address=ADDRESS, balances=record(usdc=DECIMAL, native=DECIMAL))

POSITION: Final = named(
    "Position",
    record(
        id=TEXT,
        tradeId=TEXT,
        pairId=INTEGER,
        tradeIndex=INTEGER,
        market=TEXT,
        pair=TEXT,
        side=one_of("long", "short"),
        collateral=DECIMAL,
        leverage=DECIMAL,
        notional=DECIMAL,
        openPrice=DECIMAL,
        price=nullable(DECIMAL),
        midPrice=nullable(DECIMAL),
        pnl=nullable(DECIMAL),
        pnlPercent=nullable(DECIMAL),
        slPrice=nullable(DECIMAL),
        tpPrice=nullable(DECIMAL),
        tpIsAutomatic=BOOLEAN,
        liquidationPrice=nullable(DECIMAL),
        isDayTrade=BOOLEAN,
        openedAt=TIME,
    ),
)
POSITIONS: Final = record(network=NETWORK, traderAddress=ADDRESS, positions=many(POSITION), asOfBlock=INTEGER)

CHAIN: Final = record(
    txHash=nullable(HASH),
    transactionHash=nullable(HASH),
    chain=one_of("ARBITRUM", "ARBITRUM_SEPOLIA"),
    chainId=INTEGER,
)
WRITE: Final = extend(
    CHAIN,
    executionId=UUID,
    status=one_of("submitted", "mined", "settled"),
    orderId=nullable(TEXT),
    network=NETWORK,
    traderAddress=ADDRESS,
    delegateAddress=ADDRESS,
    result=nullable(ANYTHING),
)
"""What every trading write answers; the operation's own fields come on top."""

OPENED: Final = extend(
    WRITE,
    pairId=INTEGER,
    market=TEXT,
    side=one_of("long", "short"),
    orderType=one_of("market", "limit", "stop"),
    price=DECIMAL,
    collateral=DECIMAL,
    leverage=DECIMAL,
)
SLOT: Final = extend(WRITE, pairId=INTEGER, tradeIndex=INTEGER, tradeId=TEXT)
CLOSED: Final = extend(SLOT, closePercentage=DECIMAL, collateral=DECIMAL)
STOP_LOSS: Final = extend(SLOT, slPrice=DECIMAL)
TAKE_PROFIT: Final = extend(SLOT, tpPrice=DECIMAL)

COLLATERAL: Final = extend(SLOT, requestedAmount=DECIMAL, amount=nullable(DECIMAL), leverage=nullable(DECIMAL))
CANCELLED: Final = extend(WRITE, pairId=INTEGER, tradeIndex=INTEGER)
RECLAIMED: Final = extend(
    WRITE,
    reclaimedOrderId=TEXT,
    pairId=INTEGER,
    orderAction=one_of("open", "close"),
    retry=BOOLEAN,
    collateral=DECIMAL,
    tradeIndex=sometimes(INTEGER),
    tradeId=sometimes(nullable(TEXT)),
)
FAUCET: Final = extend(WRITE, address=ADDRESS, amount=DECIMAL)

RESTING: Final = record(
    orderId=TEXT,
    pairId=INTEGER,
    tradeIndex=INTEGER,
    side=one_of("long", "short"),
    orderType=one_of("limit", "stop"),
    triggerPrice=DECIMAL,
    collateral=DECIMAL,
    leverage=DECIMAL,
    slPrice=nullable(DECIMAL),
    tpPrice=nullable(DECIMAL),
    createdAt=TIME,
)
UPDATED_ORDER: Final = {
    **extend(WRITE, **RESTING["properties"]),
    "description": "The order as it now is.",
}
ORDER: Final = named(
    "Order",
    extend(
        RESTING,
        tradeIndex=nullable(INTEGER),
        side=nullable(one_of("long", "short")),
        orderType=one_of("market", "limit", "stop"),
        collateral=nullable(DECIMAL),
        leverage=nullable(DECIMAL),
        createdAt=nullable(TIME),
        market=nullable(TEXT),
        pair=nullable(TEXT),
        status=one_of("open", "pending"),
        action=one_of("open", "close"),
    ),
)
"""A market order that waits has no index until it is a position; of a close the contract keeps only the slot."""

ORDERS: Final = record(network=NETWORK, traderAddress=ADDRESS, orders=many(ORDER), asOfBlock=INTEGER)
PAST_ORDER: Final = named(
    "PastOrder",
    record(
        orderId=TEXT,
        tradeId=nullable(TEXT),
        limitId=nullable(TEXT),
        orderType=TEXT,
        orderAction=TEXT,
        traderAddress=ADDRESS,
        pairId=INTEGER,
        market=nullable(TEXT),
        pair=nullable(TEXT),
        side=one_of("long", "short"),
        cancelReason=nullable(TEXT),
        price=nullable(DECIMAL),
        collateral=DECIMAL,
        leverage=DECIMAL,
        closePercentage=nullable(DECIMAL),
        usdcSentToTrader=nullable(DECIMAL),
        initiatedAt=TIME,
        executedAt=nullable(TIME),
        initiatedTx=TEXT,
        executedTx=nullable(TEXT),
    ),
)
HISTORY: Final = record(network=NETWORK, traderAddress=ADDRESS, history=many(PAST_ORDER), asOfBlock=nullable(INTEGER))
METRICS: Final = record(
    network=NETWORK,
    traderAddress=ADDRESS,
    pairId=INTEGER,
    tradeIndex=INTEGER,
    metrics=record(
        tradeId=TEXT,
        market=TEXT,
        side=one_of("long", "short"),
        collateral=DECIMAL,
        leverage=DECIMAL,
        openPrice=DECIMAL,
        price=DECIMAL,
        midPrice=DECIMAL,
        isMarketOpen=BOOLEAN,
        pnl=DECIMAL,
        pnlPercent=DECIMAL,
        rollover=DECIMAL,
        funding=DECIMAL,
        netPnl=DECIMAL,
        netValue=DECIMAL,
        liquidationPrice=DECIMAL,
        asOfBlock=INTEGER,
    ),
)

TRACKED: Final = record(
    network=NETWORK,
    orderId=TEXT,
    status=one_of("pending", "executed", "cancelled", "open", "closed"),
    order=ANYTHING,
    trade=nullable(ANYTHING),
    executionId=nullable(UUID),
)

EVENT: Final = named("ExecutionEvent", record(state=TEXT, at=TIME, reason=TEXT))
EXECUTION: Final = named(
    "Execution",
    extend(
        CHAIN,
        executionId=UUID,
        operation=TEXT,
        status=one_of("submitted", "mined", "settled", "received", "rejected", "reverted", "cancelled", "expired"),
        network=NETWORK,
        traderAddress=ADDRESS,
        delegateAddress=nullable(ADDRESS),
        orderId=nullable(TEXT),
        tradeId=nullable(TEXT),
        request=ANYTHING,
        terms=ANYTHING,
        result=nullable(ANYTHING),
        error=nullable(record(code=TEXT, reason=TEXT)),
        createdAt=TIME,
        signedAt=nullable(TIME),
        sentAt=nullable(TIME),
        minedAt=nullable(TIME),
        endedAt=nullable(TIME),
        events=many(EVENT),
    ),
)
EXECUTIONS: Final = record(network=NETWORK, executions=many(EXECUTION), nextCursor=nullable(TEXT))
