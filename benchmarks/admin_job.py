"""The process behind `benchmarks.admin`: fills the table, opens each page, prints the samples as its last line."""

import json
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ostium_service.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.cache import cache  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from django_otp import DEVICE_ID_SESSION_KEY  # noqa: E402
from django_otp.plugins.otp_totp.models import TOTPDevice  # noqa: E402
from eth_utils.address import to_checksum_address  # noqa: E402

from benchmarks.admin import ROWS  # noqa: E402
from delegations.models import Delegation  # noqa: E402
from staff.enrolment import enrol  # noqa: E402

REPEATS = 15
WRITE_BATCH = 5000
LIST = "/admin/delegations/delegation/"
OK = 200


def main() -> None:
    """Fill, log in, measure."""
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.DEBUG = False
    settings.SECURE_SSL_REDIRECT = False
    safe = _fill()
    client = _log_in()
    found = {name: _measure(client, url) for name, url in list_pages(safe)}
    sys.stdout.write(json.dumps(found) + "\n")


def list_pages(safe: str) -> Iterator[tuple[str, str]]:
    """What people open all day."""
    yield "home", "/admin/"
    yield "list", LIST
    yield "list, page 1000", f"{LIST}?p=1000"
    yield "filter by stage", f"{LIST}?stage=active"
    yield "filter by drift", f"{LIST}?drift=yes"
    yield "search a Safe", f"{LIST}?q={safe}"
    yield "search a user", f"{LIST}?q=user-77777"
    yield "search a hash", f"{LIST}?q=0x{'ab' * 32}"


def _fill() -> str:
    """Write the rows; the Safe of the one in the middle."""

    def address(number: int) -> str:
        return str(to_checksum_address(f"0x{number:040x}"))

    statuses = ("ACTIVE", "ACTIVE", "ACTIVE", "PENDING", "REVOKED", "FAILED")
    delegates = [address(0xDE1E00 + number) for number in range(50)]
    for start in range(0, ROWS, WRITE_BATCH):
        Delegation.objects.bulk_create(
            Delegation(
                user_id=f"user-{number}",
                network="testnet",
                safe_address=address(0x5AFE00000000 + number),
                delegate_address=delegates[number % 50],
                trading_contract=delegates[0],
                status=statuses[number % 6],
            )
            for number in range(start, start + WRITE_BATCH)
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE ostium_delegations")
    return address(0x5AFE00000000 + ROWS // 2)


def _log_in() -> Any:

    enrol(username="bench", password="", groups=["Viewer"])
    person = User.objects.get(username="bench")
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    session = client.session
    session[DEVICE_ID_SESSION_KEY] = TOTPDevice.objects.get(user=person).persistent_id
    session.save()
    return client


def _measure(client: Any, url: str) -> dict[str, Any]:

    with CaptureQueriesContext(connection) as queries:
        answer = client.get(url)
    # Now: the next request empties the log.
    asked = len(queries)
    if answer.status_code != OK:
        raise SystemExit(f"{url} answered {answer.status_code}")
    samples = []
    for _ in range(REPEATS):
        cache.clear()
        began = time.perf_counter()
        client.get(url)
        samples.append(time.perf_counter() - began)
    return {"seconds": samples, "queries": asked}


if __name__ == "__main__":
    main()
