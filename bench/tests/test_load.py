"""The load generator: it counts what was answered, measures it, and never takes an error for a figure."""

import socket
import threading
import time
from contextlib import contextmanager

import pytest

from bench.load import LoadError, Measurement, run

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextmanager
def answering(*parts, delay=0.0):
    """A server on one thread a connection that answers each request with these parts, sent apart."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(peer):
        with peer:
            while peer.recv(65536):
                time.sleep(delay)
                for part in parts:
                    peer.sendall(part)
                    time.sleep(0.002)

    def accept():
        while True:
            try:
                peer, _address = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(peer,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()
    finally:
        listener.close()


def test_every_request_has_one_latency_and_the_script_sees_every_answer():
    bodies = []
    with answering(OK) as address:
        measured = run(address, [lambda body: bodies.append(body) or b"GET / HTTP/1.1\r\n\r\n"], 0.2)
    answers = [body for body in bodies if body is not None]
    assert answers == [b"ok"] * len(measured.latencies)
    assert len(answers) > 5


def test_latency_is_the_time_to_the_whole_answer():
    with answering(OK, delay=0.05) as address:
        measured = run(address, [lambda _body: b"GET / HTTP/1.1\r\n\r\n"] * 2, 0.3)
    assert 0.05 <= measured.percentile(0) < 0.2
    assert 0.05 <= measured.percentile(50) < 0.2


@pytest.mark.parametrize("cut", [5, 18, 25, 40])
def test_answer_in_pieces_is_one_answer(cut):
    with answering(OK[:cut], OK[cut:]) as address:
        measured = run(address, [lambda _body: b"GET / HTTP/1.1\r\n\r\n"], 0.1)
    assert len(measured.latencies) > 2


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 401 \r\ncontent-length: 2\r\n\r\nno", "not 200"),
        (b"HTTP/1.1 500 \r\ncontent-length: 0\r\n\r\n", "not 200"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", "without Content-Length"),
    ],
)
def test_answer_other_than_200_of_a_told_length_ends_the_run(answer, reason):
    with answering(answer) as address, pytest.raises(LoadError, match=reason):
        run(address, [lambda _body: b"GET / HTTP/1.1\r\n\r\n"], 0.2)


def test_nobody_who_listens_is_a_clear_error():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = taken.getsockname()
    with pytest.raises(LoadError, match="no connection"):
        run(address, [lambda _body: b""], 0.1)


def test_percentiles_and_rate_are_those_of_the_latencies():
    measured = Measurement(2.0, [number / 100 for number in range(100)])
    assert measured.rate == 50
    assert (measured.percentile(50), measured.percentile(95), measured.percentile(100)) == (0.5, 0.95, 0.99)
