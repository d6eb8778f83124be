"""Which delegate a Safe gets: the least loaded of the pool, or one of its own."""

import threading
import time

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from delegations.models import Delegation
from delegations.services import choosing
from delegations.services.submitting import lock_row
from ostium_service.http import errors
from ostium_service.types import Address, Network
from relay.models import Signer
from tests.integration.delegations.conftest import Desk


def test_the_pool_gives_the_least_loaded_and_keeps_what_a_safe_has(desk: Desk) -> None:
    safes = [desk.new_safe() for _ in range(3)]
    second = desk.new_delegate()
    chosen = [desk.prepare(safe).safe_transaction.delegation.delegate for safe in safes]
    assert chosen == [desk.delegate, second, desk.delegate]
    assert desk.prepare(safes[1]).safe_transaction.delegation.delegate == second


def test_a_dedicated_delegate_is_shared_by_no_two_safes(desk: Desk, settings: Settings) -> None:
    settings.OSTIUM_DELEGATE_POLICY = "dedicated"
    first, second = desk.new_safe(), desk.new_safe()
    assert desk.prepare(first).safe_transaction.delegation.delegate == desk.delegate
    with pytest.raises(errors.DelegateKeyMissing) as refusal:
        desk.prepare(second)
    assert refusal.value.details == {"reason": "no_free_delegate"}
    with pytest.raises(errors.DelegateUnknown) as refused:
        desk.prepare(second, delegate=desk.delegate)
    assert refused.value.details == {"reason": "delegate_of_another_safe"}
    new = desk.new_delegate()
    assert desk.prepare(second).safe_transaction.delegation.delegate == new
    assert desk.prepare(first).safe_transaction.delegation.delegate == desk.delegate
    assert Delegation.objects.count() == 2


def test_two_safes_that_chose_the_same_free_delegate_at_once_do_not_both_get_it(
    desk: Desk, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OSTIUM_DELEGATE_POLICY = "dedicated"
    safes = [desk.new_safe(), desk.new_safe()]
    both_have_chosen = threading.Barrier(2, timeout=30)
    real = choosing.choose_delegate

    def choose(*, network: Network, safe: Address, wanted: Address | None) -> Address:
        found = real(network=network, safe=safe, wanted=wanted)
        both_have_chosen.wait()
        return found

    monkeypatch.setattr("delegations.services.preparing.choose_delegate", choose)
    results: list[object] = []

    def prepare(number: int) -> None:
        try:
            results.append(desk.prepare(safes[number]).safe_transaction.delegation.delegate)
        except errors.ServiceError as error:
            results.append(error.details)
        finally:
            connection.close()

    threads = [threading.Thread(target=prepare, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, results)) == sorted([desk.delegate, str({"reason": "delegate_taken_meanwhile"})])


def wait_for_a_waiting_lock() -> None:
    deadline = time.monotonic() + 15
    with connection.cursor() as cursor:
        while True:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0]:
                return
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_preparing_again_waits_for_the_safe_transaction_before_it_takes_the_signer(
    desk: Desk, settings: Settings
) -> None:
    """The relay holds the Safe transaction's row when it locks the signer; the other order would be a deadlock."""
    settings.OSTIUM_DELEGATE_POLICY = "dedicated"
    safe = desk.new_safe()
    row = desk.prepare(safe).safe_transaction
    again: list[object] = []

    def prepare() -> None:
        try:
            again.append(desk.prepare(safe).safe_transaction.pk)
        finally:
            connection.close()

    thread = threading.Thread(target=prepare)
    with transaction.atomic():
        lock_row(row)
        thread.start()
        wait_for_a_waiting_lock()
        assert Signer.objects.select_for_update(nowait=True).get(address=desk.delegate).state == "active"
    thread.join()
    assert again == [row.pk]


@pytest.mark.parametrize("state", ["halted", "retiring", "retired"])
def test_a_delegate_out_of_service_is_not_chosen(desk: Desk, state: str) -> None:
    Signer.objects.update(state=state)
    with pytest.raises(errors.DelegateKeyMissing) as refusal:
        desk.prepare(desk.new_safe())
    assert refusal.value.details == {"reason": "no_active_delegate"}
    with pytest.raises(errors.DelegateUnknown):
        desk.prepare(desk.new_safe(), delegate=desk.delegate)
