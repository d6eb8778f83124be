"""Turns the events of one transaction into rows of trades, limits and orders."""

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any

from sandbox.entities import CANCEL_REASONS
from sandbox.index_rows import (
    IMPACT_TO_PERCENT,
    WHOLE,
    builder_fields,
    close_action,
    close_result,
    limit_key,
    size_fields,
    to_base_units,
    to_limit,
    to_notional,
    to_trade,
)
from sandbox.index_tables import OrderTables
from sandbox.node import BlockHead, LogEntry, Node, read

Row = Mapping[str, Any]


class OrderIndex(OrderTables):
    """Applies transactions, in chain order, to the tables Trade, Limit and Order."""

    def __init__(self, *, node: Node, tables: MutableMapping[str, dict[str, Row]]) -> None:
        """The tables are the indexer's own; rows in them are replaced, never changed."""
        super().__init__(node=node, tables=tables)
        self._handlers: Mapping[tuple[str, str], Callable[[Row], None]] = {
            ("trading", "MarketOpenOrderInitiated"): self._open_requested,
            ("trading", "MarketCloseOrderInitiatedV2"): self._close_requested,
            ("trading", "RemoveCollateralInitiated"): self._removal_requested,
            ("trading", "AutomationOpenOrderInitiated"): self._limit_triggered,
            ("trading", "AutomationCloseOrderInitiated"): self._close_triggered,
            ("trading", "OpenLimitPlacedV2"): self._limit_placed,
            ("trading", "OpenLimitUpdated"): self._limit_updated,
            ("trading", "OpenLimitCanceled"): self._limit_cancelled,
            ("trading", "TpUpdated"): self._trade_edited,
            ("trading", "SlUpdated"): self._trade_edited,
            ("trading", "TopUpCollateralExecuted"): self._trade_edited,
            ("trading", "MarketOpenTimeoutExecutedV2"): self._timed_out,
            ("trading", "MarketCloseTimeoutExecutedV2"): self._timed_out,
            ("callbacks", "MarketOpenExecuted"): self._opened,
            ("callbacks", "LimitOpenExecuted"): self._opened,
            ("callbacks", "MarketCloseExecutedV2"): self._closed,
            ("callbacks", "LimitCloseExecuted"): self._closed,
            ("callbacks", "RemoveCollateralExecuted"): self._removed,
            ("callbacks", "RemoveCollateralRejected"): self._cancelled,
            ("callbacks", "MarketOpenCanceled"): self._cancelled,
            ("callbacks", "MarketCloseCanceled"): self._cancelled,
            ("callbacks", "AutomationOpenOrderCanceled"): self._cancelled,
            ("callbacks", "AutomationCloseOrderCanceled"): self._cancelled,
        }

    def apply(self, *, entries: Sequence[LogEntry], block: BlockHead, transaction_hash: str) -> None:
        """One transaction's known events. Fees of a settlement go to the order that it settles."""
        self._block, self._transaction = block, transaction_hash
        for entry in entries:
            handler = self._handlers.get((entry.contract, entry.name))
            if handler is not None:
                handler(entry.arguments)
        self._charge_fees(entries)

    # --- requests

    def _open_requested(self, event: Row) -> None:
        order_id = event["orderId"]
        pending, builder = self._read_then(
            [
                read("tradingStorage", "reqID_pendingMarketOrder", order_id),
                read("tradingStorage", "getBuilderData", event["trader"], event["pairIndex"], order_id),
            ]
        )
        trade = pending["trade"]
        notional = to_notional(collateral=trade["collateral"], leverage=trade["leverage"])
        fields = {
            "orderType": "Market",
            "orderAction": "Open",
            "trader": event["trader"].lower(),
            "pair": str(event["pairIndex"]),
            "isBuy": trade["buy"],
            "isDayTrade": trade["isDayTrade"],
            "leverage": trade["leverage"],
            "collateral": trade["collateral"],
            "notional": notional,
            "tradeNotional": to_base_units(notional=notional, price=pending["wantedPrice"]),
            "price": pending["wantedPrice"],
            **builder_fields(builder),
        }
        self._add_order(order_id=order_id, fields=fields)

    def _close_requested(self, event: Row) -> None:
        pending = self._read_then([read("tradingStorage", "reqID_pendingMarketOrder", event["orderId"])])[0]
        percent = event["closePercentage"] or WHOLE
        self._add_close(event=event, kind="Market", action="Close", price=pending["wantedPrice"], percent=percent)
        self._change("Trade", str(event["tradeId"]), closeInitiated=True)

    def _removal_requested(self, event: Row) -> None:
        price = self._tables["Trade"][str(event["tradeId"])]["openPrice"]
        self._add_close(event=event, kind="Market", action="RemoveCollateral", price=price, percent=None)
        self._change("Order", str(event["orderId"]), collateral=event["removeAmount"])

    def _limit_triggered(self, event: Row) -> None:
        key = limit_key(trader=event["trader"], pair=event["pairIndex"], index=event["index"])
        limit = self._tables["Limit"][key]
        fields = {
            **size_fields(limit),
            "orderType": limit["limitType"],
            "orderAction": "Open",
            "limitID": key,
            "price": limit["openPrice"],
            "builder": limit["builder"],
            "builderFee": limit["builderFee"],
        }
        self._add_order(order_id=event["orderId"], fields=fields)
        self._change("Limit", key, executionStarted=True, orderId=event["orderId"])

    def _close_triggered(self, event: Row) -> None:
        action = close_action(event["argument4"])
        trade = self._tables["Trade"][str(event["tradeId"])]
        price = {"TakeProfit": trade["takeProfitPrice"], "StopLoss": trade["stopLossPrice"]}.get(action, 0)
        self._add_close(event=event, kind=action, action=action, price=price, percent=WHOLE)

    # --- limits and edits

    def _limit_placed(self, event: Row) -> None:
        trade = {**event["trade"], "trader": event["trader"], "pairIndex": event["pairIndex"], "index": event["index"]}
        unique_id = self._read_then(
            [read("tradingStorage", "limitOrderIds", event["trader"], event["pairIndex"], event["index"])]
        )[0]
        limit = to_limit(
            trade=trade,
            order_type=event["orderType"],
            unique_id=unique_id,
            block=self._block,
            builder=builder_fields(event["builderFee"]),
        )
        self._tables["Limit"][limit["id"]] = limit

    def _limit_updated(self, event: Row) -> None:
        key = limit_key(trader=event["trader"], pair=event["pairIndex"], index=event["index"])
        notional = self._tables["Limit"][key]["notional"]
        self._change(
            "Limit",
            key,
            openPrice=event["newPrice"],
            takeProfitPrice=event["newTp"],
            stopLossPrice=event["newSl"],
            tradeNotional=to_base_units(notional=notional, price=event["newPrice"]),
            updatedAt=self._block.timestamp,
        )

    def _limit_cancelled(self, event: Row) -> None:
        key = limit_key(trader=event["trader"], pair=event["pairIndex"], index=event["index"])
        self._change("Limit", key, isActive=False, updatedAt=self._block.timestamp)

    def _trade_edited(self, event: Row) -> None:
        self._reread_trade(str(event["tradeId"]))

    # --- settlements

    def _opened(self, event: Row) -> None:
        order_id, trade = event["orderId"], event["t"]
        order = self._tables["Order"][str(order_id)]
        initial = self._read_then(
            [read("pairInfos", "tradeInitialAccFees", trade["trader"], trade["pairIndex"], trade["index"])]
        )[0]
        row = to_trade(
            order_id=order_id,
            trade=trade,
            base_units=event["tradeNotional"],
            kind=order["orderType"],
            block=self._block,
            initial=initial,
            builder={"builder": order["builder"], "builderFee": order["builderFee"]},
        )
        self._tables["Trade"][row["id"]] = row
        self._settle(
            order_id,
            **size_fields(row),
            tradeID=order_id,
            price=self._mid_price(otherwise=trade["openPrice"]),
            priceAfterImpact=trade["openPrice"],
            priceImpactP=event["priceImpactP"] // IMPACT_TO_PERCENT,
        )
        if order["limitID"]:
            self._change("Limit", order["limitID"], isActive=False, updatedAt=self._block.timestamp)

    def _closed(self, event: Row) -> None:
        order = self._tables["Order"][str(event["orderId"])]
        key = str(event["tradeId"])
        percent = event.get("percentageClosed", WHOLE)
        collateral = self._tables["Trade"][key]["collateral"] * percent // WHOLE
        result = close_result(event=event, collateral=collateral, sent=event["usdcSentToTrader"])
        action = close_action(event["orderType"]) if "orderType" in event else order["orderAction"]
        self._settle(
            event["orderId"],
            **result,
            collateral=collateral,
            orderAction=action,
            closePercent=percent,
            price=self._mid_price(otherwise=event["price"]),
        )
        self._change("Trade", key, closePrice=event["price"], closeInitiated=False, isOpen=percent < WHOLE)
        if percent < WHOLE:
            self._reread_trade(key)

    def _removed(self, event: Row) -> None:
        self._settle(event["orderId"], collateral=event["removeAmount"], amountSentToTrader=event["removeAmount"])
        self._reread_trade(str(event["tradeId"]))

    def _cancelled(self, event: Row) -> None:
        reason = event["cancelReason"] if "cancelReason" in event else event["reason"]
        self._settle(event["orderId"], isCancelled=True, cancelReason=CANCEL_REASONS[reason])
        self._release(event["orderId"])

    def _timed_out(self, event: Row) -> None:
        self._settle(event["orderId"], isCancelled=True, cancelReason="TIMEOUT")
        self._release(event["orderId"])
