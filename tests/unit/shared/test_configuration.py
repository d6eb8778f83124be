"""Every variable that the settings read is in .env.example and in docs/configuration.md."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
NETWORK_NAMES = (
    *("RPC_URL", "SUBMIT_RPC_URL", "SUBGRAPH_URL", "PRICES_URL", "TRADING_ADDRESS", "USDC_ADDRESS"),
    *("SAFE_SERVICE_URL", "SAFE_SERVICE_API_KEY"),
)


def names_in_settings() -> set[str]:
    text = (ROOT / "ostium_service" / "settings.py").read_text()
    return set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', text))


@pytest.mark.parametrize("page", [".env.example", "docs/configuration.md"])
def test_every_name_is_documented(page: str) -> None:
    text = (ROOT / page).read_text()
    names = names_in_settings()
    assert len(names) > 20
    assert {name for name in names if name not in text} == set()


@pytest.mark.parametrize("name", NETWORK_NAMES)
def test_the_network_names_are_documented(name: str) -> None:
    assert f"OSTIUM_TESTNET_{name}" in (ROOT / ".env.example").read_text()
    assert f"OSTIUM_N_{name}" in (ROOT / "docs" / "configuration.md").read_text()
