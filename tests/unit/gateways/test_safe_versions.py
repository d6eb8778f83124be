"""The address table of Safe releases, pinned to the one safe-eth-py publishes."""

from safe_eth.safe.safe_deployments import safe_deployments

from ostium_service.gateways.safe_versions import RELEASES, find_release
from ostium_service.types import Network

SINGLETONS = {"1.3.0": ("GnosisSafe", "GnosisSafeL2"), "1.4.1": ("Safe", "SafeL2")}


def test_releases_equal_the_published_deployments() -> None:
    published = {
        network: {
            version: (
                safe_deployments[version]["MultiSendCallOnly"][str(network.chain_id)][0],
                {address for name in names for address in safe_deployments[version][name][str(network.chain_id)]},
            )
            for version, names in SINGLETONS.items()
        }
        for network in Network
    }

    assert published == {
        network: {
            version: (release.multi_send_call_only, set(release.master_copies)) for version, release in known.items()
        }
        for network, known in RELEASES.items()
    }, "safe_versions.py and safe-eth-py disagree: check the new release before taking it over"


def test_s17_a_release_is_found_by_version_and_code_together() -> None:
    v141 = RELEASES[Network.TESTNET]["1.4.1"]
    master_copy = min(v141.master_copies)

    assert find_release(network=Network.TESTNET, version="1.4.1", master_copy=master_copy) == v141
    assert find_release(network=Network.TESTNET, version="1.3.0", master_copy=master_copy) is None
    assert find_release(network=Network.TESTNET, version="1.4.1", master_copy="") is None
    assert find_release(network=Network.TESTNET, version="1.5.0", master_copy=master_copy) is None
