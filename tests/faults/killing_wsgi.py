"""The service's WSGI application, which dies where a test says. Loaded once by gunicorn's parent (--preload)."""

from django.db import connection

from ostium_service import composition
from ostium_service.wsgi import application
from tests.faults.killing import arm

__all__ = ["application"]

arm()

# No socket and no pool thread of the parent may be shared by the processes that it forks.
composition.reset()
connection.close()
connection.close_pool()  # type: ignore[attr-defined]
