"""The list of devices and the choice among them."""

import json

import pytest
import rig

from bridge.protocol.errors import OutputError
from daemon.cli import devices as command
from daemon.core.settings import load
from daemon.player.devices import Device, choose


def _device(index, name, api="Core Audio", inputs=0, outputs=2, **more):
    flags = {"default_input": False, "default_output": False, **more}
    return Device(index, name, api, inputs, outputs, 48000, (48000,), (0, 0), (0.01, 0.1), **flags)


SOME = (
    _device(0, "Built-in Microphone", inputs=2, outputs=0, default_input=True),
    _device(1, "Built-in Speakers", default_output=True),
    _device(2, "Scarlett 18i8", inputs=8, outputs=8),
    _device(3, "Scarlett", "ASIO", inputs=2, outputs=2),
)


@pytest.mark.parametrize(
    ("wanted", "host_api", "side", "index"),
    [
        ("", "", "outputs", 1),
        ("", "", "inputs", 0),
        ("scarl", "", "outputs", 2),
        ("SCARLETT", "", "outputs", 3),
        ("2", "", "outputs", 2),
        ("scarl", "asio", "inputs", 3),
        ("", "asio", "outputs", 3),
        ("micro", "", "inputs", 0),
    ],
)
def test_a_device_is_found_by_name_number_and_host_api(wanted, host_api, side, index):
    assert choose(SOME, wanted, host_api, side).index == index


@pytest.mark.parametrize(
    ("devices", "wanted", "host_api", "told"),
    [
        ((), "", "", "no audio output device: connect one"),
        (SOME, "", "jack", "no audio output device of jack"),
        (SOME, "0", "", "no audio device '0', there is Built-in Speakers, Scarlett 18i8"),
        (SOME, "micro", "", "see punchin devices"),
    ],
)
def test_what_is_not_there_is_told(devices, wanted, host_api, told):
    with pytest.raises(OutputError, match=told) as problem:
        choose(devices, wanted, host_api)
    assert problem.value.code == 402


def _punchin_devices(capsys, *args):
    code = command.main(args)
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture
def settings(tmp_path, monkeypatch):
    rig.need("sounddevice")
    monkeypatch.setenv("PUNCHIN_CONFIG", str(tmp_path))
    monkeypatch.setenv("PUNCHIN_AUDIO_HOST_API", "JACK")
    return monkeypatch


def test_a_real_server_is_listed_and_marked(server, settings, capsys):
    code, out, err = _punchin_devices(capsys, "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    (system,) = [d for d in told["devices"] if "JACK" in d["host_api"]]
    assert system["name"] == "system"
    assert (system["inputs"], system["outputs"], system["rate"]) == (2, 2, server.rate)
    assert system["rates"] == [server.rate]
    assert system["chosen"]
    assert told["error"] is None
    code, out, err = _punchin_devices(capsys)
    head, *rows = out.splitlines()
    assert head.split()[:2] == ["no", "device"]
    assert [r for r in rows if r.startswith("*") and "system" in r and "JACK" in r]


def test_a_name_that_no_device_has_marks_none(server, settings, capsys):
    settings.setenv("PUNCHIN_AUDIO_DEVICE", "no such")
    code, out, err = _punchin_devices(capsys, "--json")
    assert code == 1
    assert "there is system" in err
    told = json.loads(out)
    assert told["error"]["code"] == 402
    assert told["devices"]
    assert not any(d["chosen"] for d in told["devices"])


def test_no_device_is_said_on_standard_error(no_server, settings, capsys):
    code, _out, err = _punchin_devices(capsys)
    assert code == 1
    assert "start its sound server" in err


def test_the_silent_device_is_no_mistake(no_server, settings, capsys):
    settings.setenv("PUNCHIN_AUDIO_DEVICE", "none")
    assert _punchin_devices(capsys)[0] == 0


def test_settings_that_are_wrong_are_told(settings, capsys):
    settings.setenv("PUNCHIN_AUDIO_LATENCY", "wrong")
    code, _out, err = _punchin_devices(capsys)
    assert code == 2
    assert "audio.latency" in err


def test_a_portaudio_that_says_nothing_is_told(monkeypatch):
    monkeypatch.setattr(command, "run", lambda *_: command.Outcome(-6, "", "assertion failed"))
    told = command.report(load(environ={}), command.asked)
    assert told["devices"] == []
    assert told["error"]["code"] == 402
    assert "assertion failed" in told["error"]["message"]
