"""THE error catalogue: one class per code, named like the code. `docs/errors.md` is generated from here.

`message` says what to do next. `details` carry stable tokens and field names, never upstream or exception text.
"""

from typing import Final

from ostium_service.http.errors_base import *  # noqa: F403
from ostium_service.http.errors_base import ServiceError
from ostium_service.http.errors_outcome import *  # noqa: F403
from ostium_service.http.errors_request import *  # noqa: F403
from ostium_service.http.errors_trading import *  # noqa: F403

CATALOGUE: Final[dict[str, type[ServiceError]]] = {error.code: error for error in ServiceError.__subclasses__()}
