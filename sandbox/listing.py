"""What the local venue lists: the real venue's pair ids, groups, fees and caps of January 2026, with made-up feed ids.

The set covers every rule: a pair below its group's leverage, overnight maxima, a quote that is not USD, two pairs
with base USD, maker fees that differ from taker fees.
"""

from dataclasses import dataclass

from eth_utils import keccak

ORACLE_FEE = 100_000
"""0.10 USDC."""
MIN_POSITION = 4_500_000
"""4.50 USDC of notional after fees."""
GROUP_COLLATERAL_PERCENT = 5_000
"""50 % of the vault (scale 2)."""
MIN_LEVERAGE = 100
VAULT_FEE_PERCENT = 30
MAKER_MAX_LEVERAGE = 2_000
FEE_GROUP = 0
ORACLE_TYPE = "ostium"

CRYPTO, COMMODITIES, FOREX, INDICES, STOCKS = range(5)

GROUPS: dict[int, tuple[str, int]] = {
    CRYPTO: ("crypto", 10_000),
    COMMODITIES: ("commodities", 15_000),
    FOREX: ("forex", 20_000),
    INDICES: ("indices", 10_000),
    STOCKS: ("stocks", 10_000),
}
"""Name and maximum leverage (scale 2) by group id."""

KNOWN_FEEDS = {"BTC/USD": "00039d9e45394f473ab1f050a1b963e6b05351e52d71e507509ada0c95ed75b8"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One listed pair. Leverages have scale 2 (0: the group's, or no overnight regime); fees are 1e6 per 1 %."""

    base: str
    quote: str
    group: int
    taker_fee: int
    maker_fee: int
    cap_usd: int
    max_leverage: int = 0
    overnight_max_leverage: int = 0

    @property
    def feed(self) -> bytes:
        """The price feed's id."""
        symbol = f"{self.base}/{self.quote}"
        known = KNOWN_FEEDS.get(symbol)
        return bytes.fromhex(known) if known else keccak(text=f"local feed {symbol}")

    @property
    def maker_max_leverage(self) -> int:
        """Up to which leverage (scale 2) the maker fee applies; it only matters where the two fees differ."""
        return MAKER_MAX_LEVERAGE if self.maker_fee != self.taker_fee else 0


def crypto(base: str, *, cap_usd: int, max_leverage: int = 0) -> Listing:
    """10 bps for takers, 3 bps for makers."""
    return Listing(
        base=base,
        quote="USD",
        group=CRYPTO,
        taker_fee=100_000,
        maker_fee=30_000,
        cap_usd=cap_usd,
        max_leverage=max_leverage,
    )


def flat(base: str, quote: str, *, group: int, fee: int, cap_usd: int, max_leverage: int = 0) -> Listing:
    """The same fee for makers and takers."""
    return Listing(
        base=base,
        quote=quote,
        group=group,
        taker_fee=fee,
        maker_fee=fee,
        cap_usd=cap_usd,
        max_leverage=max_leverage,
    )


def stock(base: str, *, cap_usd: int, overnight: int, max_leverage: int = 0) -> Listing:
    """A stock: 5 bps, and a lower maximum for what is held overnight."""
    return Listing(
        base=base,
        quote="USD",
        group=STOCKS,
        taker_fee=50_000,
        maker_fee=50_000,
        cap_usd=cap_usd,
        max_leverage=max_leverage,
        overnight_max_leverage=overnight,
    )


LISTINGS: dict[int, Listing] = {
    0: crypto("BTC", cap_usd=10_000_000),
    1: crypto("ETH", cap_usd=5_000_000),
    2: flat("EUR", "USD", group=FOREX, fee=30_000, cap_usd=50_000_000),
    4: flat("USD", "JPY", group=FOREX, fee=30_000, cap_usd=50_000_000),
    5: flat("XAU", "USD", group=COMMODITIES, fee=15_000, cap_usd=100_000_000),
    8: flat("XAG", "USD", group=COMMODITIES, fee=150_000, cap_usd=20_000_000, max_leverage=5_000),
    13: flat("NIK", "JPY", group=INDICES, fee=50_000, cap_usd=10_000_000),
    16: flat("USD", "CAD", group=FOREX, fee=30_000, cap_usd=10_000_000),
    18: stock("NVDA", cap_usd=10_000_000, overnight=1_000),
    31: stock("COIN", cap_usd=2_000_000, overnight=500, max_leverage=5_000),
    38: crypto("BNB", cap_usd=1_000_000, max_leverage=7_500),
}
