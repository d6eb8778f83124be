"""The root of the error catalogue. Plain Python, so that services and selectors can raise it."""

from collections.abc import Mapping
from typing import Any, ClassVar

__all__ = ["Details", "ServiceError"]

Details = Mapping[str, Any] | list[dict[str, str]]


class ServiceError(Exception):
    """Root of what a caller may be told: a stable code, its HTTP status, and whether the same request may help.

    `retryable` is true only where repeating the identical request is harmless and may help.
    `headers` are added to the answer (`Retry-After`, `Allow`).
    """

    code: ClassVar[str] = ""
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    message: str = ""

    def __init__(
        self,
        message: str | None = None,
        *,
        details: Details | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        if message is not None:
            self.message = message
        self.details = details
        self.headers: Mapping[str, str] = headers or {}
        super().__init__(f"{self.code}: {self.message}")
