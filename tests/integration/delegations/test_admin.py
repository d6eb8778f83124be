"""What staff see: everything, and no way to change it by hand."""

from functools import partial

import pytest

from tests.integration.delegations.conftest import Desk
from tests.support.staff_login import log_in_staff


@pytest.mark.parametrize(
    ("page", "network_filter"),
    [("delegation", "network"), ("safetransaction", "network"), ("delegationevent", "delegation__network")],
)
def test_staff_can_look_search_and_filter_but_not_change(desk: Desk, page: str, network_filter: str) -> None:
    safe = desk.new_safe()
    desk.activate(safe)
    base = f"/admin/delegations/{page}/"
    client = log_in_staff("root", is_superuser=True)
    get, post = partial(client.get, secure=True), partial(client.post, secure=True)

    for query, is_found in (("", True), (f"?q={safe.address}", True), (f"?{network_filter}=mainnet", False)):
        listing = get(base + query)
        assert listing.status_code == 200
        assert (listing.context["cl"].result_count > 0) is is_found
    row = get(base).context["cl"].result_list[0]
    shown = get(f"{base}{row.pk}/change/", follow=True)
    assert (shown.status_code, safe.address in shown.content.decode()) == (200, True)
    assert post(f"{base}{row.pk}/change/", {}).status_code == 403
    assert get(f"{base}add/").status_code == 403
    assert post(f"{base}{row.pk}/delete/", {"post": "yes"}).status_code == 403
