"""Decisions of an execution that need neither chain nor database."""

import pytest

from delegations.models import SafeTransaction
from delegations.services.executing import Signed, choose_relayer
from delegations.services.submitting import explain_revert
from ostium_service.gateways.ostium_contracts import Revert
from ostium_service.types import Address, Network


def test_on_mainnet_the_client_sends_unless_it_asks_otherwise() -> None:
    signed = Signed(
        user_id="ann",
        network=Network.MAINNET,
        safe=Address("0x" + "11" * 20),
        kind=SafeTransaction.Kind.APPROVE,
        signatures=(),
        safe_tx_hash=None,
        submit=None,
    )

    assert choose_relayer(signed) is None


@pytest.mark.parametrize(
    ("revert", "details"),
    [
        (
            Revert("Error", "0x08c379a0", ("GS026",)),
            {"reason": "signature_order_or_owner_or_nonce", "code": "GS026"},
        ),
        (Revert("Error", "0x08c379a0", ("GS013",)), {"reason": "inner_call_failed", "code": "GS013"}),
        (Revert("Error", "0x08c379a0", ("GS404",)), {"reason": "refused_by_safe", "code": "GS404"}),
        (Revert("Error", "0x08c379a0", ("GS026 and the node's own words",)), {"reason": "Error"}),
        (Revert("Error", "0x08c379a0"), {"reason": "Error"}),
        (Revert("Unknown", "0x"), {"reason": "Unknown"}),
    ],
)
def test_s22_a_safes_code_becomes_words_and_other_text_stays_inside(revert: Revert, details: dict[str, str]) -> None:
    assert explain_revert(revert).details == details
