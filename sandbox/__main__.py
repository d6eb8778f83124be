"""The sandbox's command line.

`python -m sandbox up [--no-story]` starts everything and stays up until Ctrl-C; `python -m sandbox story` tells the
main job against the running stack, or against one of its own, and ends with the story's status.
"""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from types import FrameType

from sandbox.processes import SandboxError
from sandbox.second_factor import read_code
from sandbox.stack import DEFAULT_PORT, STAFF_NAME, Stack
from sandbox.stackfile import ROOT, RunningStack, find_running_stack

FAILED = 1
INTERRUPTED = 130


class Interrupted(BaseException):
    """Ctrl-C or SIGTERM: stop everything. Not an Exception, so that no handler of errors takes it for one."""


@contextlib.contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """The first SIGINT, SIGTERM or SIGHUP raises Interrupted in the main thread; later ones change nothing."""
    stopping = threading.Event()

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        if not stopping.is_set():
            stopping.set()
            raise Interrupted

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield stopping
    finally:
        stopping.set()
        for number, handler in before.items():
            signal.signal(number, handler)


def say(line: str) -> None:
    """To the terminal at once."""
    print(line, flush=True)


def describe(stack: RunningStack, *, password: str) -> str:
    """What runs where, and what to type next."""
    return "\n".join(
        [
            "",
            f"  service   {stack.service_url}        (POST /v1/..., signed; /health, /ready, /metrics)",
            f"  admin     {stack.service_url}/admin/  login {STAFF_NAME}, password {password}",
            "            code of the second factor: python -m sandbox code",
            f"  chain     {stack.rpc_url}   (JSON-RPC, chain id 421614)",
            f"  prices    {stack.control_url}/PricePublish/latest-prices",
            f"  subgraph  {stack.subgraph_url}",
            f"  control   {stack.control_url}/control/...  (prices, keeper, lag, faults)",
            f"  database  {stack.database_url}",
            f"  vault     {stack.vault_addr}",
            f"  delegate  {stack.delegate}",
            "",
            "  next      make story            the main job again, from another terminal",
            "            .local/run/           logs of every part, and stack.json for tools",
            "            Ctrl-C                stops all of it",
            "",
        ]
    )


def run_up(*, port: int, with_story: bool) -> int:
    """Start, tell the story, stay up. 0 after Ctrl-C; 1 when a part did not start or ended by itself."""
    stack = Stack(port=port, report=say)
    with stop_on_signals() as stopping:
        try:
            running = stack.start()
            say(describe(running, password=stack.secrets.staff_password))
            if with_story and stack.run_story() != 0:
                say("the story failed; everything stays up to look at, Ctrl-C stops it")
            stack.watch(stopping)
        except Interrupted:
            say("stopping")
        except SandboxError as error:
            say(f"error: {error}")
            return FAILED
        finally:
            stopping.set()
            stack.stop()
    say("stopped")
    return 0


def run_story(*, port: int) -> int:
    """The story against the running stack, or against one started for it and stopped again."""
    if find_running_stack():
        return subprocess.call([sys.executable, "-m", "sandbox.story"], cwd=ROOT)
    stack = Stack(port=port, report=say)
    with stop_on_signals() as stopping:
        try:
            stack.start()
            return stack.run_story()
        except Interrupted:
            return INTERRUPTED
        except SandboxError as error:
            say(f"error: {error}")
            return FAILED
        finally:
            stopping.set()
            stack.stop()


def main() -> int:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument(
        "--port", type=int, default=int(os.environ.get("PORT", DEFAULT_PORT)), help="the service's port"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start everything and stay up")
    up.add_argument("--no-story", action="store_true", help="do not tell the story first")
    commands.add_parser("story", help="tell the story against the running stack, or one of its own")
    commands.add_parser("code", help="the staff login's code of the moment, for the admin of the running stack")
    arguments = parser.parse_args()
    if arguments.command == "code":
        say(read_code())
        return 0
    if arguments.command == "up":
        return run_up(port=arguments.port, with_story=not arguments.no_story)
    return run_story(port=arguments.port)


if __name__ == "__main__":
    sys.exit(main())
