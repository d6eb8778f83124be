"""The service before a node that takes transactions as Arbitrum's sequencer does."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace

from benchmarks.stage import Stage
from sandbox.environment import Endpoints
from sandbox.faultproxy import FaultProxy
from sandbox.sequencer import Sequencer
from sandbox.shaping import Endpoint


@contextlib.contextmanager
def put_sequencer_before(stage: Stage) -> Iterator[Endpoints]:
    """Web and worker run anew behind the imitation, and as before after the block; what they then see."""
    doors = (
        FaultProxy(endpoint=Endpoint.RPC, upstream=Sequencer(stage.rpc_url)),
        FaultProxy(endpoint=Endpoint.SUBMIT, upstream=Sequencer(stage.rpc_url, is_submit_endpoint=True)),
    )
    for door in doors:
        door.start()
    endpoints = replace(stage.direct, rpc_url=doors[0].url, submit_url=doors[1].url)
    try:
        stage.start_web(endpoints=endpoints)
        stage.start_worker(endpoints=endpoints)
        yield endpoints
        stage.start_web()
        stage.start_worker()
    finally:
        for door in doors:
            door.stop()
