"""Examinations of a whole installation, for `manage.py doctor`. Each reads and changes nothing."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError

from ostium_service import composition
from ostium_service.gateways.arbitrum import Call
from ostium_service.gateways.failures import GatewayError, Reverted
from ostium_service.gateways.ostium_contracts import DOMAIN_SEPARATOR, domain_separator
from ostium_service.probes import MigrationsMissing, probe_database, probe_migrations
from ostium_service.types import Address, Network
from ostium_service.vault_policy import find_wide_paths

logger = structlog.get_logger(__name__)


class Verdict(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `why` is a stable token, empty when all is well; `facts` are safe to show."""

    name: str
    verdict: Verdict
    why: str = ""
    facts: dict[str, Any] | None = None


Examination = Callable[[], Iterable[Finding]]
_examinations: dict[str, Examination] = {}


def register_examination(name: str, examine: Examination) -> None:
    """Let an app add what it knows of its own; `name` says so when the examination itself fails."""
    _examinations[name] = examine


def examine_all() -> list[Finding]:
    """Everything, whatever fails on the way."""
    examinations: dict[str, Examination] = {
        "database": _examine_database,
        "vault": _examine_vault,
        **{f"chain_{n.value}": _bind_chain(n) for n in settings.OSTIUM_NETWORKS},
        **_examinations,
    }
    return [finding for name, examine in examinations.items() for finding in _guard(name, examine)]


def _guard(name: str, examine: Examination) -> list[Finding]:
    try:
        return list(examine())
    except GatewayError as error:
        return [Finding(name, Verdict.FAILED, f"{error.system}_{error.token}")]
    except (DatabaseError, ImproperlyConfigured) as error:
        logger.warning("examination_failed", examination=name, error=type(error).__name__)
        return [Finding(name, Verdict.FAILED, type(error).__name__)]


def _examine_database() -> Iterator[Finding]:
    probe_database()
    yield Finding("database", Verdict.OK)
    try:
        probe_migrations()
    except MigrationsMissing as error:
        yield Finding("migrations", Verdict.FAILED, error.token)
    else:
        yield Finding("migrations", Verdict.OK)


def _examine_vault() -> Iterator[Finding]:
    composition.vault().health()
    yield Finding("vault", Verdict.OK)
    wide = find_wide_paths()
    if wide:
        yield Finding("vault_policy", Verdict.FAILED, "too_wide", {"paths": wide})
    else:
        yield Finding("vault_policy", Verdict.OK)


def _bind_chain(network: Network) -> Examination:
    return lambda: _examine_chain(network)


def _examine_chain(network: Network) -> Iterator[Finding]:
    """The node is of this network, and the contracts stand where the service thinks they do."""
    arbitrum, addresses = composition.arbitrum(network), composition.contract_addresses(network)
    arbitrum.verify_chain_id()
    yield Finding(f"chain_{network.value}", Verdict.OK, facts={"chainId": network.chain_id})
    named = {"trading": addresses.trading, "tradingStorage": addresses.trading_storage, "usdc": addresses.usdc}
    missing = {name: address for name, address in named.items() if not arbitrum.code(address)}
    if missing:
        yield Finding(f"contracts_{network.value}", Verdict.FAILED, "no_code", dict(missing))
    else:
        yield Finding(f"contracts_{network.value}", Verdict.OK)
    yield _examine_domain(network, addresses.trading)


def _examine_domain(network: Network, trading: Address) -> Finding:
    """Whether the contract at the address is Ostium's, by the domain its delegations are signed under."""
    name = f"trading_domain_{network.value}"
    try:
        found = DOMAIN_SEPARATOR.decode(
            composition.arbitrum(network).call(Call(to=trading, data=DOMAIN_SEPARATOR.encode()))
        )
    except (Reverted, GatewayError):
        return Finding(name, Verdict.FAILED, "no_domain_separator")
    if found != domain_separator(chain_id=network.chain_id, trading=trading):
        return Finding(name, Verdict.FAILED, "another_domain", {"found": "0x" + found.hex()})
    return Finding(name, Verdict.OK)
