"""Settings of the staff pages: look, second factor, lock-out, end of session, content security policy, audit trail."""

from datetime import timedelta
from typing import Any

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.templatetags.static import static
from django.urls import reverse_lazy

# Order matters: our templates win over unfold's, and unfold's over Django's.
FIRST_APPS = ["staff", "unfold.apps.BasicAppConfig", "unfold.contrib.filters"]
SECURITY_APPS = ["django_otp", "django_otp.plugins.otp_totp", "axes", "csp", "pgtrigger", "pghistory"]

# The page of a person who does nothing for half an hour asks for the password again.
SESSION_COOKIE_AGE = 30 * 60
SESSION_SAVE_EVERY_REQUEST = True
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Strict"

# By name alone: behind a proxy every person has the same address, and a guesser may have many.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = ["username"]
AXES_RESET_ON_SUCCESS = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
AXES_LOCKOUT_TEMPLATE = "staff/locked.html"
AXES_IPWARE_META_PRECEDENCE_ORDER = ["REMOTE_ADDR"]
# Its wish for the address among the parameters: see above.
SILENCED_SYSTEM_CHECKS = ["axes.W006"]

# Moments as the API and the logs write them: the only language here would write a.m. and p.m.
FORMAT_MODULE_PATH = "ostium_service.formats"

OTP_TOTP_ISSUER = "Ostium service"
OTP_ADMIN_HIDE_SENSITIVE_DATA = True

# unsafe-eval: unfold's Alpine.js evaluates the attributes of its own templates. unsafe-inline for styles only: unfold
# writes its colours, htmx its indicator and Alpine its widths as inline styles. No script may stand in a page, and
# nothing is loaded from or sent to another host.
CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "EXCLUDE_URL_PREFIXES": ["/v1/", "/health", "/ready", "/metrics"],
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, UNSAFE_EVAL],
        "style-src": [SELF, UNSAFE_INLINE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "object-src": ["'none'"],
    },
}


def _allows(permission: str) -> Any:
    return lambda request: request.user.has_perm(permission)


def _item(title: str, icon: str, model: str) -> dict[str, Any]:
    app, name = model.split(".")
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{name}_changelist"),
        "permission": _allows(f"{app}.view_{name}"),
    }


TRAILS = (
    ("Delegations", "delegationchange"),
    ("Safe transactions", "safetransactionchange"),
    ("Grants", "grantchange"),
    ("Signers", "signerchange"),
    ("Executions", "executionchange"),
    ("People", "personchange"),
    ("Groups", "groupchange"),
    ("Memberships", "membershipchange"),
    ("Own permissions", "personpermissionchange"),
    ("Group permissions", "grouppermissionchange"),
)


def _tab(title: str, name: str) -> dict[str, Any]:
    return _item(title, "policy", f"staff.{name}")


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Ostium service",
    "SITE_HEADER": "Ostium service",
    "SITE_SUBHEADER": "Delegated trading",
    "SITE_SYMBOL": "shield_person",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("staff/mark.svg")}],
    "SITE_URL": None,
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "STYLES": [lambda _request: static("staff/staff.css")],
    "COLORS": {
        "primary": {
            "50": "oklch(97.1% .014 180)",
            "100": "oklch(94.5% .040 180)",
            "200": "oklch(89.5% .075 180)",
            "300": "oklch(83.0% .105 181)",
            "400": "oklch(74.5% .125 182)",
            "500": "oklch(64.0% .115 183)",
            "600": "oklch(52.0% .095 184)",
            "700": "oklch(45.0% .080 185)",
            "800": "oklch(38.5% .068 186)",
            "900": "oklch(33.0% .056 187)",
            "950": "oklch(24.0% .045 188)",
        }
    },
    "TABS": [{"models": [f"staff.{name}" for _, name in TRAILS], "items": [_tab(*trail) for trail in TRAILS]}],
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": [
            {
                "title": "Overview",
                "items": [{"title": "Home", "icon": "home", "link": reverse_lazy("admin:index")}],
            },
            {
                "title": "Delegations",
                "items": [
                    _item("Delegations", "handshake", "delegations.delegation"),
                    _item("Safe transactions", "draw", "delegations.safetransaction"),
                    _item("Grants", "verified_user", "safeguards.grant"),
                ],
            },
            {
                "title": "Trading",
                "items": [
                    _item("Executions", "swap_vert", "positions.perpsexecution"),
                    _item("Transactions", "receipt_long", "relay.outboundtransaction"),
                    _item("Signers", "key", "relay.signer"),
                ],
            },
            {
                "title": "Oversight",
                "items": [
                    _item("Delegation events", "history", "delegations.delegationevent"),
                    _item("Changed rows", "policy", "staff.delegationchange"),
                    _item("People", "group", "auth.user"),
                    _item("Groups", "badge", "auth.group"),
                ],
            },
        ],
    },
}
