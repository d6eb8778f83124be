"""The time box on reading a request."""

import errno
import socket
from collections.abc import Iterator

import pytest

from ostium_service.http.server import DeadlineSocket


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    left, right = socket.socketpair()
    yield left, right
    left.close()
    right.close()


def test_reads_pass_until_the_deadline(pair: tuple[socket.socket, socket.socket]) -> None:
    left, right = pair
    clock = Clock()
    timed = DeadlineSocket(left, clock=clock)
    timed.allow(10)
    right.sendall(b"abc")
    clock.now = 109.9
    assert timed.recv(2) == b"ab"
    clock.now = 110.0
    with pytest.raises(ConnectionResetError) as caught:
        timed.recv(1)
    assert caught.value.errno == errno.ECONNRESET
    timed.allow(10)
    assert timed.recv(1) == b"c"


def test_a_byte_now_and_then_does_not_move_the_deadline(pair: tuple[socket.socket, socket.socket]) -> None:
    left, right = pair
    clock = Clock()
    timed = DeadlineSocket(left, clock=clock)
    timed.allow(10)
    for _ in range(5):
        right.sendall(b"x")
        clock.now += 2
        if clock.now < 110:
            assert timed.recv(1) == b"x"
    with pytest.raises(ConnectionResetError):
        timed.recv(1)


def test_waiting_for_a_silent_client_ends(pair: tuple[socket.socket, socket.socket]) -> None:
    left, _ = pair
    timed = DeadlineSocket(left)
    timed.allow(0.05)
    with pytest.raises(ConnectionResetError):
        timed.recv(1)
    assert left.gettimeout() is None


def test_everything_else_is_the_sockets_own(pair: tuple[socket.socket, socket.socket]) -> None:
    left, right = pair
    timed = DeadlineSocket(left)
    assert timed.fileno() == left.fileno()
    timed.sendall(b"hello")
    assert right.recv(5) == b"hello"
    right.sendall(b"x")
    assert timed.recv(1) == b"x"
