"""Bytes as no library would send them, over a real port: the daemon and its controls live on."""

import random

import pytest
import rig
from midi_rig import RawPlayer, follow, house_with
from patience import in_time
from wire_house import wait_for


@pytest.fixture(scope="module")
def raw(jack):
    rig.need("jack")
    made = RawPlayer(jack)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def house(jack, raw, tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw")
    with house_with(folder, jack, input="raw:", map="knobs") as started:
        with started.tcp() as client:
            wait_for(lambda: client.ask("status")["midi"]["inputs"] or None, "no input")
        yield started


@pytest.fixture
def client(house):
    """Each test leaves the knob at 0, so that the next one's first turn is a change."""
    with house.tcp() as made:
        made.send("/punchin/reset")
        made.quiet()
        yield made


def told(client):
    return client.ask("context")["set"]


def await_strength(client, value):
    wait_for(lambda: told(client).get("strength") == value or None, f"strength never was {value}")


def test_running_status(raw, client):
    raw.send(b"\xb0\x10\x00")
    raw.send(b"\x10\x7f")
    await_strength(client, 1.0)
    raw.send(b"\x10\x00\x10\x40\x10\x7f\x10\x00")
    await_strength(client, 0.0)


@pytest.mark.parametrize(
    "damage",
    [
        b"\xf0\x7f\x01\x02",
        b"\xf0\x7f\x7f\x06\x44\x06\x01\xf7",
        b"\xf0\x7f\x7f\x01\x01\xf7",
        b"\xf7\xf7\x01\x02",
        b"\xf0\xf0\xf0",
        b"\xf2\x01",
        b"\xf1",
        b"\xf4\xf5\xf9\xfd",
        b"\xb0\x10",
        b"\x7f" * 200,
    ],
    ids=lambda data: data[:6].hex(),
)
def test_damage_takes_nothing_with_it(raw, client, damage):
    for value, strength in ((0x7F, 1.0), (0, 0.0)):
        raw.send(damage)
        raw.send(bytes((0xB0, 0x10, value)))
        await_strength(client, strength)


def test_an_endless_sysex(raw, client):
    raw.send(b"\xf0" + b"\x01" * 255)
    for _ in range(100):
        raw.send(b"\x02" * 256)
    for value, strength in ((0x7F, 1.0), (0, 0.0)):
        raw.send(bytes((0xB0, 0x10, value)))
        await_strength(client, strength)


def test_ten_thousand_events_of_noise(raw, client, house):
    rng = random.Random(5)
    for _ in range(10_000):
        raw.send(rng.randbytes(rng.randint(1, 6)))
    raw.send(b"\xfc")  # the noise may have started the clock
    for value, strength in ((0x7F, 1.0), (0, 0.0)):
        raw.send(bytes((0xB0, 0x10, value)))
        await_strength(client, strength)
    assert client.ask("status")["midi"]["state"] == "ready"


def test_the_clock_goes_on_after_a_sysex_without_an_end(raw, client):
    tick_s = 60 / 240 / 24
    rows = [(i * tick_s, b"\xf8") for i in range(240)]
    rows += [((i + 0.5) * tick_s, b"\xf0\x7f\x01") for i in (40, 100)]
    rows += [(0.5 * tick_s, b"\xfa"), (240 * tick_s, b"\xfc")]

    def attempt(_number):
        _bpm, beat = follow(client, rows, raw.send)
        assert beat == pytest.approx(239 / 24, abs=3 / 24)

    in_time(attempt)
