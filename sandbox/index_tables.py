"""The tables Trade, Limit and Order of the index, and the steps by which a transaction changes them.

The mid price of a settlement is in no event; it is read from the keeper's own call data.
"""

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

from sandbox.index_rows import WHOLE, settled_fields, size_fields, to_notional, to_pending_order
from sandbox.node import BlockHead, LogEntry, Node, NodeError, Read, read
from sandbox.processes import SandboxError

Row = Mapping[str, Any]

FEE_FIELDS = {
    "DevFeeCharged": "devFee",
    "VaultOpeningFeeCharged": "vaultFee",
    "OracleFeeCharged": "oracleFee",
    "VaultLiqFeeCharged": "liquidationFee",
}


class OrderTables:
    """What the event handlers work with; rows are replaced, never changed."""

    def __init__(self, *, node: Node, tables: MutableMapping[str, dict[str, Row]]) -> None:
        """The tables are the indexer's own."""
        self._node = node
        self._tables = tables
        self._block = BlockHead(number=0, hash="", timestamp=0)
        self._transaction = ""

    def _read_then(self, calls: Sequence[Read]) -> list[Any]:
        """View calls as of the block being applied.

        A node keeps the state of some thousand blocks only: what is older is read as it is now, which leaves the sizes
        of requests that were settled long ago at zero.
        """
        try:
            return self._node.read_many(calls, block=self._block.number)
        except NodeError:
            return self._node.read_many(calls)

    def _release(self, order_id: int) -> None:
        """A cancelled order lets go of the trade or limit it was about to change."""
        order = self._tables["Order"].get(str(order_id))
        if order and order["orderAction"] == "Close" and order["tradeID"] is not None:
            self._change("Trade", str(order["tradeID"]), closeInitiated=False)
        if order and order["limitID"]:
            self._change("Limit", order["limitID"], executionStarted=False)

    def _charge_fees(self, entries: Sequence[LogEntry]) -> None:
        order_ids = [str(entry.arguments["orderId"]) for entry in entries if "orderId" in entry.arguments]
        if not order_ids:
            return
        order_id = order_ids[0]
        for entry in entries:
            field = FEE_FIELDS.get(entry.name)
            if field:
                self._change("Order", order_id, **{field: entry.arguments["amount"]})
            elif entry.name == "FeesChargedV2":
                rollover, funding = entry.arguments["rolloverFees"], entry.arguments["fundingFees"]
                self._change("Order", order_id, rolloverFee=rollover, fundingFee=funding)
            elif entry.name == "CloseFeeCharged":
                self._change("Order", order_id, closeFee=entry.arguments["closeFee"])
        if any(entry.name == "VaultLiqFeeCharged" for entry in entries):
            # A liquidating close reports the computed value although the trader got nothing.
            self._change("Order", order_id, amountSentToTrader=0, totalProfitPercent=-WHOLE)

    def _add_close(self, *, event: Row, kind: str, action: str, price: int, percent: int | None) -> None:
        trade = self._tables["Trade"][str(event["tradeId"])]
        fields = {
            **size_fields(trade, percent=percent or WHOLE),
            "tradeID": event["tradeId"],
            "orderType": kind,
            "orderAction": action,
            "price": price,
            "closePercent": percent,
        }
        self._add_order(order_id=event["orderId"], fields=fields)

    def _add_order(self, *, order_id: int, fields: Row) -> None:
        row = to_pending_order(order_id=order_id, block=self._block, transaction_hash=self._transaction, fields=fields)
        self._tables["Order"][row["id"]] = row

    def _settle(self, order_id: int, **fields: Any) -> None:
        settled = settled_fields(block=self._block, transaction_hash=self._transaction)
        self._change("Order", str(order_id), **settled, **fields)
        order = self._tables["Order"].get(str(order_id))
        if order and fields.get("priceAfterImpact"):
            self._tables.setdefault("LastPrice", {})[order["pair"]] = {"price": fields["priceAfterImpact"]}

    def _change(self, table: str, key: str, **fields: Any) -> None:
        row = self._tables[table].get(key)
        if row is not None:
            self._tables[table][key] = {**row, **fields}

    def _reread_trade(self, key: str) -> None:
        row = self._tables["Trade"].get(key)
        if row is None:
            return
        slot = (row["trader"], int(row["pair"]), row["index"])
        trade, info = self._read_then(
            [read("tradingStorage", "getOpenTrade", *slot), read("tradingStorage", "getOpenTradeInfo", *slot)]
        )
        if str(info["tradeId"]) != key:
            # The slot was emptied or taken by another trade later in the same block.
            return
        self._change(
            "Trade",
            key,
            collateral=trade["collateral"],
            leverage=trade["leverage"],
            highestLeverage=max(row["highestLeverage"], trade["leverage"]),
            notional=to_notional(collateral=trade["collateral"], leverage=trade["leverage"]),
            tradeNotional=info["oiNotional"],
            takeProfitPrice=trade["tp"],
            stopLossPrice=trade["sl"],
        )

    def _mid_price(self, *, otherwise: int) -> int:
        """The reported mid price (1e18) of this settlement; `otherwise` when it was forced without prices."""
        transaction = self._node.request("eth_getTransactionByHash", self._transaction)
        if transaction is None:
            raise SandboxError("the chain was reorganised while it was read")
        data = bytes.fromhex(transaction["input"][2:])
        settle = self._node.contracts["priceUpKeep"].functions["settle"]
        if data[:4] != settle.selector:
            return otherwise
        return int(settle.decode_arguments(data)["price"]) or otherwise
