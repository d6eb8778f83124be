"""System checks that refuse to start a half-configured service, each with an id and a hint.

They run with every command that runs checks (`migrate`, the worker, `check --deploy`) and, through `refuse_bad_start`,
when the web server loads the application. In development (DJANGO_DEBUG) only what is dangerous there too is an error.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured

from ostium_service import composition
from ostium_service.gateways.failures import BadAnswer, GatewayError
from ostium_service.types import Network

logger = logging.getLogger(__name__)

MIN_SECRET_LENGTH: Final = 32
_DATABASE_UNSET_HOST: Final = "database-url-is-not-set"
_URLS: Final = ("RPC_URL", "SUBMIT_RPC_URL", "SUBGRAPH_URL", "PRICES_URL", "SAFE_SERVICE_URL")
_SHORTEST_API_KEY: Final = 16
_LONGEST_KEY_LIFETIME: Final = 300


def register_checks() -> None:
    """Make Django run the checks of this module."""
    for check in (check_secrets, check_mode, check_networks, check_vault):
        register(check, Tags.security)


def refuse_bad_start() -> None:
    """Raise ImproperlyConfigured with every error and its hint; for servers, which run no checks by themselves."""
    found = [*check_secrets(), *check_mode(), *check_networks(), *check_vault()]
    errors = [message for message in found if message.is_serious()]
    if errors:
        lines = "\n".join(f"  {error.id}: {error.msg} {error.hint or ''}".rstrip() for error in errors)
        raise ImproperlyConfigured(f"The service refuses to start:\n{lines}")
    if settings.VAULT_WRAPPED_SECRET_ID:
        # Built now, so that a wrapping token that was used up stops the start and not the first trade.
        composition.vault()


def verify_chain_ids() -> None:
    """Ask each enabled network's node for its chain id, once at the start of a web or worker process.

    ImproperlyConfigured when a node answers for another chain: money would go to the wrong one. A node that does not
    answer is logged only, since the first call asks again and /ready says so until then.
    """
    for network in settings.OSTIUM_NETWORKS:
        try:
            composition.arbitrum(network).verify_chain_id()
        except BadAnswer as error:
            raise ImproperlyConfigured(
                f"ostium.E020: OSTIUM_{network.name}_RPC_URL does not answer for {network} (chain id "
                f"{network.chain_id}): {error.token}. Point it to a node of that network."
            ) from None
        except GatewayError as error:
            logger.warning("The node of %s could not be asked for its chain id at start: %s", network, error.token)


def check_secrets(**_: Any) -> list[CheckMessage]:
    """The secrets that sign requests and sessions."""
    if settings.DEBUG and settings.HMAC_SECRET:
        return []
    return list(_secret_errors())


def check_mode(**_: Any) -> list[CheckMessage]:
    """Debug mode, host names and the database."""
    if settings.DEBUG:
        return list(_debug_errors())
    return list(_production_errors())


def check_networks(**_: Any) -> list[CheckMessage]:
    """The networks and the URLs of their outside systems."""
    found: list[CheckMessage] = []
    if not settings.OSTIUM_NETWORKS:
        found.append(_error("E030", "No network is enabled.", "Set OSTIUM_NETWORKS to testnet, mainnet or both."))
    for network in settings.OSTIUM_NETWORKS:
        found += _network_errors(network, settings.OSTIUM_ENDPOINTS[network])
    found += _internal_network_errors(settings.INTERNAL_NETWORKS)
    return found


def check_vault(**_: Any) -> list[CheckMessage]:
    """Where the delegates' keys come from, and how long they may stay."""
    found = list(_vault_secret_errors())
    if settings.DEBUG:
        return found
    if not settings.VAULT_ADDR:
        found.append(_error("E040", "VAULT_ADDR is not set.", "Name the Vault that holds the delegates' keys."))
    elif not _is_encrypted(settings.VAULT_ADDR):
        found.append(_error("E041", "VAULT_ADDR is not https.", "Keys travel on this connection: use TLS."))
    secret_id = settings.VAULT_SECRET_ID or settings.VAULT_WRAPPED_SECRET_ID
    if not settings.VAULT_TOKEN and not (settings.VAULT_ROLE_ID and secret_id):
        hint = (
            "Set VAULT_ROLE_ID and VAULT_SECRET_ID or VAULT_WRAPPED_SECRET_ID, or VAULT_TOKEN; each may be given as "
            "<NAME>_FILE."
        )
        found.append(_error("E042", "There is no login for Vault.", hint))
    return found


def configured_secrets(source: Any) -> list[str]:
    """Every value of the settings that must not appear in a log, for the redaction to cut."""
    database = source.DATABASES.get("default", {})
    values = [
        source.HMAC_SECRET,
        source.HMAC_SECRET_PREVIOUS,
        source.SECRET_KEY,
        source.VAULT_TOKEN,
        source.VAULT_SECRET_ID,
        source.VAULT_WRAPPED_SECRET_ID,
        str(database.get("PASSWORD") or ""),
    ]
    for endpoints in source.OSTIUM_ENDPOINTS.values():
        values.append(endpoints["SAFE_SERVICE_API_KEY"])
        for name in _URLS:
            values += _keys_in_url(endpoints[name])
    return [value for value in values if value]


def _vault_secret_errors() -> Iterator[CheckMessage]:
    if settings.VAULT_WRAPPED_SECRET_ID and (settings.VAULT_SECRET_ID or settings.VAULT_TOKEN):
        hint = "Unset VAULT_SECRET_ID and VAULT_TOKEN: there is no fallback from a wrapped secret id."
        yield _error("E044", "VAULT_WRAPPED_SECRET_ID is set beside another login for Vault.", hint)
    if not 0 < settings.VAULT_KEY_LIFETIME_SECONDS <= _LONGEST_KEY_LIFETIME:
        hint = f"Set it to at most {_LONGEST_KEY_LIFETIME} seconds; 30 is the default."
        yield _error("E045", "VAULT_KEY_LIFETIME_SECONDS is not a short time.", hint)
    if settings.OSTIUM_DELEGATE_POLICY not in {"pool", "dedicated"}:
        yield _error("E046", "OSTIUM_DELEGATE_POLICY is neither pool nor dedicated.", "Set it to one of the two.")


def _secret_errors() -> Iterator[CheckMessage]:
    hint = f"Set it to at least {MIN_SECRET_LENGTH} random characters, the same as in the calling backend."
    if not settings.HMAC_SECRET:
        yield _error("E001", "HMAC_SECRET is not set: nobody could call the service.", hint)
    for name in ("HMAC_SECRET", "HMAC_SECRET_PREVIOUS"):
        if 0 < len(getattr(settings, name)) < MIN_SECRET_LENGTH:
            yield _error("E002", f"{name} is shorter than {MIN_SECRET_LENGTH} characters.", hint)
    if settings.HMAC_SECRET and settings.HMAC_SECRET == settings.HMAC_SECRET_PREVIOUS:
        yield _error("E003", "HMAC_SECRET_PREVIOUS equals HMAC_SECRET.", "Unset it once the rotation is done.")
    if settings.DEBUG:
        return
    key = settings.SECRET_KEY
    if len(key) < MIN_SECRET_LENGTH or "insecure" in key:
        hint = f"Set it to at least {MIN_SECRET_LENGTH} random characters of this installation's own."
        yield _error("E004", "DJANGO_SECRET_KEY is missing, short or the development default.", hint)


def _debug_errors() -> Iterator[CheckMessage]:
    if Network.MAINNET in settings.OSTIUM_NETWORKS:
        hint = "Unset DJANGO_DEBUG: its error pages show settings and local variables."
        yield _error("E010", "Debug mode is on while mainnet is enabled.", hint)


def _production_errors() -> Iterator[CheckMessage]:
    if not settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS:
        hint = "Set DJANGO_ALLOWED_HOSTS to the host names that callers and probes use."
        yield _error("E011", "DJANGO_ALLOWED_HOSTS is empty or admits every host.", hint)
    database = settings.DATABASES["default"]
    if database.get("HOST") == _DATABASE_UNSET_HOST or not database.get("NAME"):
        hint = "Set it to postgres://user:password@host:5432/name; an embedded one is for development only."
        yield _error("E012", "DATABASE_URL is not set.", hint)
    elif "postgresql" not in database.get("ENGINE", ""):
        yield _error("E013", "DATABASE_URL is not PostgreSQL.", "Row locks and the queue need PostgreSQL.")


def _network_errors(network: Network, endpoints: Mapping[str, str]) -> Iterator[CheckMessage]:
    if not endpoints["RPC_URL"]:
        hint = f"Set OSTIUM_{network.name}_RPC_URL to a node that answers for chain id {network.chain_id}."
        yield _error("E031", f"There is no RPC URL for {network}.", hint)
    for name in _URLS:
        url, variable = endpoints[name], f"OSTIUM_{network.name}_{name}"
        if url and urlsplit(url).scheme not in {"http", "https"}:
            yield _error("E032", f"{variable} is not an http or https URL.", "Give the whole URL.")
        elif url and not settings.DEBUG and not _is_encrypted(url):
            yield _error("E033", f"{variable} is not https.", "Only this machine may be spoken to without TLS.")
    if network is Network.MAINNET and not settings.DEBUG and not endpoints["SUBMIT_RPC_URL"]:
        hint = "Set OSTIUM_MAINNET_SUBMIT_RPC_URL to the sequencer, so that a slow node does not delay a trade."
        yield _error("E034", "There is no submit URL for mainnet.", hint)


def _internal_network_errors(networks: Sequence[str]) -> Iterator[CheckMessage]:
    for cidr in networks:
        try:
            network = ip_network(cidr.strip())
        except ValueError:
            yield _error("E035", "INTERNAL_NETWORKS holds something that is no network.", "Give CIDRs: 10.0.0.0/8.")
            continue
        if network.prefixlen == 0 and not settings.DEBUG:
            hint = "Name the networks of the callers: it guards the API, the metrics and the admin."
            yield _error("E036", "INTERNAL_NETWORKS admits the whole internet.", hint)


def _is_encrypted(url: str) -> bool:
    """https, or a host on this machine."""
    parts = urlsplit(url)
    if parts.scheme == "https" or parts.hostname == "localhost":
        return True
    try:
        return ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def _keys_in_url(url: str) -> list[str]:
    """What in a URL may be an API key: userinfo, query values, and long path segments."""
    parts = urlsplit(url)
    segments = [*parts.path.split("/"), *(item.partition("=")[2] for item in parts.query.split("&"))]
    keys = [segment for segment in segments if len(segment) >= _SHORTEST_API_KEY]
    keys += [unquote(parts.password)] if parts.password else []
    return keys


def _error(number: str, message: str, hint: str) -> CheckMessage:
    return Error(message, hint=hint, id=f"ostium.{number}")
