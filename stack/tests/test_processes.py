"""Processes, the claim on a folder, and the supervisor: with real children of this Python."""

import os
import signal
import sys
import time

import pytest

from stack.errors import StackError
from stack.instance import Instance
from stack.ports import Ports, free_port, is_free
from stack.process import Process
from stack.supervisor import DELAYS, Supervisor

SLEEP = "import time; print('up', flush=True); time.sleep(60)"
FAIL = "print('the reason'); raise SystemExit(3)"


def child(tmp_path, code=SLEEP, name="child"):
    return Process(name, [sys.executable, "-c", code], log=tmp_path / f"{name}.log")


@pytest.fixture
def sleeper(tmp_path):
    process = child(tmp_path)
    process.start()
    yield process
    process.kill()


def gone(process):
    deadline = time.monotonic() + 5
    while process.running and time.monotonic() < deadline:
        time.sleep(0.01)
    return not process.running


def test_a_stopped_process_is_not_wanted_and_says_how_it_ended(sleeper):
    assert sleeper.stop()
    assert not sleeper.wanted
    assert sleeper.ending() == "was killed by SIGTERM"


def test_a_process_that_ignores_the_signal_is_killed(tmp_path):
    stubborn = child(tmp_path, f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}")
    stubborn.start()
    stubborn.wait_until(lambda: stubborn.log.read_text() == "up\n", 10)
    assert not stubborn.stop(timeout=0.2)
    assert stubborn.ending() == "was killed by SIGKILL"


def test_a_failed_start_tells_the_last_log_lines(tmp_path):
    process = child(tmp_path, FAIL)
    process.start()
    with pytest.raises(StackError, match="child ended with status 3") as failure:
        process.wait_until(lambda: False, 10)
    assert failure.value.log == "the reason"


def test_a_second_stack_in_the_same_folder_is_refused(tmp_path):
    first = Instance(tmp_path)
    first.claim()
    first.record({}, {}, {})
    with pytest.raises(StackError, match=f"running already \\(process {os.getpid()}\\)"):
        Instance(tmp_path).claim()
    first.release()
    Instance(tmp_path).claim()


def test_what_a_killed_stack_left_running_is_ended(tmp_path, sleeper):
    crashed = Instance(tmp_path)
    crashed.claim()
    crashed.record({"child": sleeper}, {}, {})
    crashed._lock.close()
    assert Instance(tmp_path).claim() == ["child"]
    assert gone(sleeper)


def test_a_stranger_with_a_recorded_number_is_left_alone(tmp_path, sleeper):
    (tmp_path / "running.json").write_text(f'{{"pid": 1, "processes": {{"child": [{sleeper.pid}, "another time"]}}}}')
    assert Instance(tmp_path).claim() == []
    assert sleeper.running


def test_a_broken_record_counts_as_none(tmp_path):
    (tmp_path / "running.json").write_text('{"pid": ')
    assert Instance(tmp_path).claim() == []


class OneProcess:
    """What the supervisor needs of a stack."""

    def __init__(self, process):
        self.processes = {process.name: process}

    def restart(self, name):
        """Start it again."""
        self.processes[name].start()

    def ready(self, name):
        """Whether it runs."""
        return self.processes[name].running


def supervised(process):
    said = []
    return Supervisor(OneProcess(process), said.append), said


def test_a_killed_process_is_started_again(sleeper):
    supervisor, said = supervised(sleeper)
    first = sleeper.pid
    sleeper.wait_until(lambda: sleeper.log.read_text() == "up\n", 10)
    os.kill(first, signal.SIGKILL)
    assert gone(sleeper)
    for _ in range(3):
        supervisor.check()
    assert sleeper.running
    assert sleeper.pid != first
    assert said[0].startswith("child was killed by SIGKILL; starting it again in 0 s.")
    assert said[0].endswith("| up")
    assert said[-1] == "child is back"


def test_a_process_stopped_on_purpose_stays_stopped(sleeper):
    supervisor, said = supervised(sleeper)
    sleeper.kill()
    for _ in range(3):
        supervisor.check()
    assert not sleeper.running
    assert said == []


def test_quick_failures_in_a_row_end_with_the_reason(tmp_path, monkeypatch):
    monkeypatch.setattr("stack.supervisor.DELAYS", (0.0,) * len(DELAYS))
    process = child(tmp_path, FAIL)
    process.start()
    supervisor, said = supervised(process)

    def keep_checking():
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            supervisor.check()

    with pytest.raises(StackError, match="child ended with status 3, 6 times in a row; giving up") as failure:
        keep_checking()
    assert "the reason" in failure.value.log
    assert len([line for line in said if "starting it again" in line]) == len(DELAYS)


def test_ports_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("IDP_PORT", "9999")
    monkeypatch.delenv("AUTHZ_PORT", raising=False)
    assert Ports.from_environment().idp == 9999
    assert Ports.from_environment().url("authz") == "http://localhost:8080"


@pytest.mark.parametrize("value", ["http", "0", "70000", "-1"])
def test_a_port_that_is_none_is_refused(monkeypatch, value):
    monkeypatch.setenv("RS_PORT", value)
    with pytest.raises(StackError, match=f"RS_PORT={value}: not a port"):
        Ports.from_environment()


def test_a_taken_port_is_named_with_its_variable(tmp_path):
    port = free_port()
    server = child(tmp_path, f"import socket, time; s = socket.create_server(('127.0.0.1', {port})); time.sleep(60)")
    server.start()
    server.wait_until(lambda: not is_free(port), 10)
    try:
        with pytest.raises(StackError, match=f"port {port} for rs is taken; choose another with RS_PORT="):
            Ports(free_port(), free_port(), port).check_free()
    finally:
        server.kill()
