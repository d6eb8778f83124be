"""What importing every gateway costs a web process, and what must not come along."""

import json
import subprocess
import sys

from tests.conftest import TESTS

MOST_MEGABYTES = 90
PROBE = """
import json, sys
import ostium_service.gateways.arbitrum, ostium_service.gateways.ostium_contracts
import ostium_service.gateways.ostium_prices, ostium_service.gateways.ostium_subgraph, ostium_service.gateways.vault
pages = int(open("/proc/self/statm").read().split()[1])
print(json.dumps({"megabytes": pages * 4096 / 1e6, "limit": sys.getrecursionlimit(), "modules": sorted(sys.modules)}))
"""


def test_gateways_are_small_and_bring_no_network_client_of_the_sdk() -> None:
    shown = subprocess.run([sys.executable, "-c", PROBE], cwd=TESTS.parent, check=True, capture_output=True, text=True)
    found = json.loads(shown.stdout)
    unwanted = {"web3", "gql", "aiohttp", "ostium_python_sdk", "eth_account", "django", "rest_framework"}
    assert unwanted.isdisjoint(name.partition(".")[0] for name in found["modules"])
    assert found["megabytes"] < MOST_MEGABYTES
    assert found["limit"] == 1000
