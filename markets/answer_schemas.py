"""What the market endpoints answer, for the API page and the contract tests."""

from typing import Final

from ostium_service.http.schemas import (
    BOOLEAN,
    DECIMAL,
    INTEGER,
    NETWORK,
    TEXT,
    explained,
    extend,
    many,
    named,
    nullable,
    one_of,
    record,
)

MARKET: Final = named(
    "Market",
    record(
        pairId=INTEGER,
        symbol=TEXT,
        pair=TEXT,
        base=TEXT,
        quote=TEXT,
        group=TEXT,
        status=one_of("open", "closed", "paused"),
        price=nullable(DECIMAL),
        bid=nullable(DECIMAL),
        ask=nullable(DECIMAL),
        isMarketOpen=BOOLEAN,
        isDayTradingClosed=BOOLEAN,
        minLeverage=DECIMAL,
        maxLeverage=DECIMAL,
        overnightMaxLeverage=explained(
            nullable(DECIMAL), "What an order without `dayTrade` may use; null: the maximum."
        ),
        makerFeePercent=explained(DECIMAL, "Of the notional that reduces the skew, up to `makerMaxLeverage`."),
        takerFeePercent=explained(DECIMAL, "Of the rest of the notional, when opening."),
        longOpenInterest=explained(DECIMAL, "Units of the base asset."),
        shortOpenInterest=explained(DECIMAL, "Units of the base asset."),
        maxOpenInterest=explained(DECIMAL, "USDC, for either side."),
        minPositionValue=explained(DECIMAL, "USDC: collateral after the fees, times leverage."),
    ),
)
MARKETS: Final = record(network=NETWORK, markets=many(MARKET), asOfBlock=nullable(INTEGER))
PRICE: Final = record(
    network=NETWORK,
    base=TEXT,
    quote=TEXT,
    pairId=INTEGER,
    price=DECIMAL,
    bid=DECIMAL,
    ask=DECIMAL,
    isMarketOpen=BOOLEAN,
    isDayTradingClosed=BOOLEAN,
    timestamp=INTEGER,
    ageSeconds=INTEGER,
)

RATE: Final = record(network=NETWORK, pairId=INTEGER, periodHours=INTEGER, asOfBlock=INTEGER)
FUNDING: Final = extend(
    RATE,
    accFundingLong=DECIMAL,
    accFundingShort=DECIMAL,
    fundingRatePercent=DECIMAL,
    targetFundingRatePercent=DECIMAL,
)
ROLLOVER: Final = extend(RATE, rolloverRate=DECIMAL, longRolloverRate=DECIMAL, shortRolloverRate=DECIMAL)
DETAIL: Final = extend(
    MARKET,
    feed=TEXT,
    groupId=INTEGER,
    makerMaxLeverage=DECIMAL,
    oracleFee=explained(
        DECIMAL, "USDC, flat: for opening, closing (returned by a full close), cancelling, removing collateral."
    ),
    lastTradePrice=DECIMAL,
    accRolloverLong=DECIMAL,
    accRolloverShort=DECIMAL,
    lastRolloverBlock=INTEGER,
    lastRolloverLongPure=DECIMAL,
    brokerPremium=DECIMAL,
    isNegativeRolloverAllowed=BOOLEAN,
    accFundingLong=DECIMAL,
    accFundingShort=DECIMAL,
    lastFundingBlock=INTEGER,
    lastFundingRate=DECIMAL,
    maxFundingFeePerBlock=DECIMAL,
    liquidationMarginPercent=explained(DECIMAL, "Of the collateral at the maximum leverage; less below it."),
    asOfBlock=nullable(INTEGER),
)
DETAILS: Final = record(network=NETWORK, pairId=INTEGER, details=DETAIL)
