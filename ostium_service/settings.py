"""Settings, read from the environment only. `.env.example` documents every name; `checks.py` refuses bad ones."""

import logging
from decimal import Decimal
from pathlib import Path
from typing import Any

import django_stubs_ext
import environ

from ostium_service.admin_settings import *  # noqa: F403
from ostium_service.admin_settings import FIRST_APPS, SECURITY_APPS
from ostium_service.money import GWEI_DECIMALS, to_units
from ostium_service.observability.logging import configure_structlog, logging_config
from ostium_service.types import Network
from ostium_service.working import CONCURRENCY, skip_running_twin

# Makes Django's generic classes (ModelAdmin, QuerySet) subscriptable at run time, as their type stubs are.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent

# FileAwareEnv: every variable may also be given as <NAME>_FILE, the path of a file that holds the value.
env = environ.FileAwareEnv()
if (BASE_DIR / ".env").is_file():
    env.read_env(str(BASE_DIR / ".env"))

INSECURE_SECRET_KEY = "insecure-development-key-never-for-production"  # noqa: S105

DEBUG = env.bool("DJANGO_DEBUG", default=False)
SECRET_KEY = env.str("DJANGO_SECRET_KEY", default="") or INSECURE_SECRET_KEY
ALLOWED_HOSTS: list[str] = env.list("DJANGO_ALLOWED_HOSTS", default=["localhost", "127.0.0.1"] if DEBUG else [])

INSTALLED_APPS = [
    *FIRST_APPS,
    "ostium_service",
    "safeguards",
    "relay",
    "delegations",
    "markets",
    "positions",
    "staff.admin_config.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_structlog",
    "rest_framework",
    "drf_spectacular_sidecar",
    "procrastinate.contrib.django",
    *SECURITY_APPS,
]

MIDDLEWARE = [
    "ostium_service.middleware.RequestIdMiddleware",
    "ostium_service.pages_middleware.PagesLogMiddleware",
    "ostium_service.middleware.EdgeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "ostium_service.pages_middleware.PagesPolicyMiddleware",
    "ostium_service.pages_middleware.PagesFilesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "ostium_service.pages_middleware.PagesUserMiddleware",
    "ostium_service.pages_middleware.PagesSecondFactorMiddleware",
    "ostium_service.audit.StaffContextMiddleware",
    "ostium_service.pages_middleware.PagesMessagesMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]

ROOT_URLCONF = "ostium_service.urls"
WSGI_APPLICATION = "ostium_service.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# manage.py and wsgi.py start the embedded PostgreSQL and set DATABASE_URL before this line runs in development.
DATABASES: dict[str, Any] = {"default": env.db_url("DATABASE_URL", default="postgres://database-url-is-not-set:1/none")}
# lock_timeout: a stuck migration or a forgotten psql session must not freeze trading for longer than this (ms).
DATABASES["default"].setdefault("OPTIONS", {}).update(
    {
        "connect_timeout": 5,
        "options": "-c lock_timeout=5000 -c statement_timeout=20000 -c idle_in_transaction_session_timeout=20000",
    }
)
# A connection goes back to the pool before every call to the outside (composition.py), so a slow upstream keeps
# threads waiting but no connection. The pool of a process is shared by its threads.
DATABASES["default"]["OPTIONS"]["pool"] = {
    "min_size": 1,
    "max_size": env.int("DATABASE_POOL_SIZE", default=10),
    "timeout": 5,
}
DATABASES["default"].update({"CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": True, "ATOMIC_REQUESTS": False})
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES: dict[str, Any] = {"default": env.cache_url("CACHE_URL", default="locmemcache://")}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 14}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# For the bare `manage.py procrastinate worker`; `--concurrency` overrides it.
PROCRASTINATE_WORKER_DEFAULTS = {"concurrency": CONCURRENCY, "task_middleware": [skip_running_twin]}

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = False
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = True
APPEND_SLASH = False

HOST = env.str("HOST", default="127.0.0.1")
PORT = env.int("PORT", default=5002)
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOGGING = logging_config(LOG_LEVEL)
LOGGING_CONFIG = "logging.config.dictConfig"
configure_structlog()
# The outermost middleware has put an id there that is safe to log, the caller's own or a fresh one.
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = True
# One line a request is enough: the one that says how it ended.
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG
# It believes X-Forwarded-For, which anybody can send.
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False

# --- security of the admin (the rest is in admin_settings.py); the API itself uses no cookies ----------------------
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_HSTS_SECONDS = 0 if DEBUG else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not DEBUG
# Probes, metrics and the signed API are called on plain HTTP inside the private network; TLS ends at the proxy.
SECURE_SSL_REDIRECT = env.bool("DJANGO_SECURE_SSL_REDIRECT", default=not DEBUG)
SECURE_REDIRECT_EXEMPT = [r"^health$", r"^ready$", r"^metrics$", r"^openapi\.json$", r"^docs$", r"^v1/"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- the HTTP edge -------------------------------------------------------------------------------------------------
HMAC_SECRET = env.str("HMAC_SECRET", default="")
HMAC_SECRET_PREVIOUS = env.str("HMAC_SECRET_PREVIOUS", default="")
HMAC_TIMESTAMP_TOLERANCE_MS = env.int("HMAC_TIMESTAMP_TOLERANCE_MS", default=300_000)
HMAC_REFUSALS_PER_MINUTE = env.int("HMAC_REFUSALS_PER_MINUTE", default=300)
INTERNAL_NETWORKS: list[str] = env.list(
    "INTERNAL_NETWORKS",
    default=["127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
)
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_PARSER_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "UNAUTHENTICATED_USER": None,
    "COERCE_DECIMAL_TO_STRING": False,
}
SPECTACULAR_SETTINGS: dict[str, Any] = {"OAS_VERSION": "3.1.0", "POSTPROCESSING_HOOKS": []}

# --- Ostium --------------------------------------------------------------------------------------------------------
OSTIUM_ENABLED = env.bool("OSTIUM_ENABLED", default=True)
OSTIUM_NETWORKS = [Network(name) for name in env.list("OSTIUM_NETWORKS", default=["testnet"])]
OSTIUM_WRITE_WAIT_SECONDS = env.float("OSTIUM_WRITE_WAIT_SECONDS", default=8.0)
OSTIUM_SAFE_TX_EXPIRY_DAYS = env.int("OSTIUM_SAFE_TX_EXPIRY_DAYS", default=7)
# pool: a Safe gets the delegate with the fewest live delegations. dedicated: no two Safes share one.
OSTIUM_DELEGATE_POLICY = env.str("OSTIUM_DELEGATE_POLICY", default="pool")
# The fee cap of a signature is twice the base fee, never under the minimum; above the maximum nothing is signed.
OSTIUM_MIN_FEE_WEI = to_units(Decimal(env.str("OSTIUM_MIN_FEE_GWEI", default="0.04")), GWEI_DECIMALS)
OSTIUM_MAX_FEE_WEI = to_units(Decimal(env.str("OSTIUM_MAX_FEE_GWEI", default="5")), GWEI_DECIMALS)

ENDPOINT_DEFAULTS: dict[Network, dict[str, str]] = {
    Network.TESTNET: {
        "RPC_URL": "https://sepolia-rollup.arbitrum.io/rpc",
        "SUBMIT_RPC_URL": "",
        "SUBGRAPH_URL": "https://api.subgraph.ormilabs.com/api/public/67a599d5-c8d2-4cc4-9c4d-2975a97bc5d8/subgraphs/ost-sep/live/gn",
    },
    # No default RPC for mainnet: the public one is rate limited and not something money should depend on.
    Network.MAINNET: {
        "RPC_URL": "",
        "SUBMIT_RPC_URL": "https://arb1-sequencer.arbitrum.io/rpc",
        "SUBGRAPH_URL": "https://api.subgraph.ormilabs.com/api/public/67a599d5-c8d2-4cc4-9c4d-2975a97bc5d8/subgraphs/ost-prod/live/gn",
    },
}
PRICES_URL_DEFAULT = "https://metadata-backend.prod.bedrock.ostium.io"


def _endpoint(network: Network, name: str, default: str = "") -> str:
    fallback = ENDPOINT_DEFAULTS[network].get(name, default)
    return env.str(f"OSTIUM_{network.name}_{name}", default=fallback) or fallback


# One dictionary a network: RPC_URL, SUBMIT_RPC_URL, SUBGRAPH_URL, PRICES_URL, the Safe Transaction Service (empty:
# none is asked) and the contract addresses (empty address: the one that ostium-python-sdk names for the network).
OSTIUM_ENDPOINTS: dict[Network, dict[str, str]] = {
    network: {
        "RPC_URL": _endpoint(network, "RPC_URL"),
        "SUBMIT_RPC_URL": _endpoint(network, "SUBMIT_RPC_URL"),
        "SUBGRAPH_URL": _endpoint(network, "SUBGRAPH_URL"),
        "PRICES_URL": _endpoint(network, "PRICES_URL", PRICES_URL_DEFAULT),
        "SAFE_SERVICE_URL": _endpoint(network, "SAFE_SERVICE_URL"),
        "SAFE_SERVICE_API_KEY": _endpoint(network, "SAFE_SERVICE_API_KEY"),
        "TRADING_ADDRESS": _endpoint(network, "TRADING_ADDRESS"),
        "TRADING_STORAGE_ADDRESS": _endpoint(network, "TRADING_STORAGE_ADDRESS"),
        "USDC_ADDRESS": _endpoint(network, "USDC_ADDRESS"),
        "FAUCET_ADDRESS": _endpoint(network, "FAUCET_ADDRESS"),
    }
    for network in Network
}

# --- Vault ---------------------------------------------------------------------------------------------------------
VAULT_ADDR = env.str("VAULT_ADDR", default="")
VAULT_NAMESPACE = env.str("VAULT_NAMESPACE", default="")
VAULT_CACERT = env.str("VAULT_CACERT", default="")
VAULT_TOKEN = env.str("VAULT_TOKEN", default="")
VAULT_ROLE_ID = env.str("VAULT_ROLE_ID", default="")
VAULT_SECRET_ID = env.str("VAULT_SECRET_ID", default="")
# A response-wrapping token instead of VAULT_SECRET_ID, unwrapped once when the process starts (ops/vault/README.md).
VAULT_WRAPPED_SECRET_ID = env.str("VAULT_WRAPPED_SECRET_ID", default="")
# How long a key may stay in memory; a signature needs milliseconds.
VAULT_KEY_LIFETIME_SECONDS = env.float("VAULT_KEY_LIFETIME_SECONDS", default=30.0)
VAULT_KV_MOUNT = env.str("VAULT_KV_MOUNT", default="secret")
VAULT_DELEGATE_PREFIX = env.str("VAULT_DELEGATE_PREFIX", default="ostium/delegates")
