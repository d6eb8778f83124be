"""A small client of the service's own API, for scripts, tests and people."""

from ostium_service.client.client import OstiumClient, OstiumError
from ostium_service.client.signing import sign_request

__all__ = ["OstiumClient", "OstiumError", "sign_request"]
