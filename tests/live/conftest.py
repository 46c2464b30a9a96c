"""Live tests: a server for those that ask, and a last word on what could not be tested."""

import pytest
import rig


def _running(folder):
    rig.need("jackd", "jack_wait", "jack")
    with pytest.MonkeyPatch.context() as patch, rig.preferred():
        started = rig.JackServer(folder)
        for name, value in started.environment.items():
            patch.setenv(name, value)
        try:
            started.start()
            yield started
        finally:
            started.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A running JACK server, found by every client of this process."""
    yield from _running(tmp_path_factory.mktemp("jack"))


@pytest.fixture
def own_server(tmp_path):
    """The same for one test alone, which may kill it."""
    yield from _running(tmp_path)


@pytest.fixture
def no_server(monkeypatch):
    """No JACK server at all, whatever runs on this machine."""
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "punchin-test-nobody")
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")


def pytest_terminal_summary(terminalreporter):
    count = sum(map(len, rig.MISSING.values()))
    if count:
        terminalreporter.section("live audio NOT tested", sep="!", red=True)
        for mend, tests in rig.MISSING.items():
            terminalreporter.write_line(f"{len(tests)} tests skipped, missing {mend}")
        terminalreporter.write_line(f"{count} live tests skipped in all")
