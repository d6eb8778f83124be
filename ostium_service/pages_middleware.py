"""Middleware for the pages that people open. The signed API, which has neither cookies nor pages, passes by it.

Sessions, CSRF and the lock-out of logins stay as they come, since Django's deployment checks look for them by name.
"""

from typing import Any, Final

from csp.middleware import CSPMiddleware
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.http import HttpRequest
from django_otp.middleware import OTPMiddleware
from django_structlog.middlewares import RequestMiddleware
from whitenoise.middleware import WhiteNoiseMiddleware

_API: Final = "/v1/"


class PagesOnly:
    """Mixed in before a middleware: hands the API's requests on as they are."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> Any:
        if request.path.startswith(_API):
            return self.get_response(request)
        return super().__call__(request)  # type: ignore[misc]


class PagesLogMiddleware(PagesOnly, RequestMiddleware):
    """How the request ended, and for whom."""


class PagesPolicyMiddleware(PagesOnly, CSPMiddleware):
    """What a page may load."""


class PagesFilesMiddleware(PagesOnly, WhiteNoiseMiddleware):  # type: ignore[misc]
    """Static files."""


class PagesUserMiddleware(PagesOnly, AuthenticationMiddleware):
    """Who is logged in."""


class PagesSecondFactorMiddleware(PagesOnly, OTPMiddleware):  # type: ignore[misc]
    """Whether with a second factor."""


class PagesMessagesMiddleware(PagesOnly, MessageMiddleware):
    """What the page before had to say."""
