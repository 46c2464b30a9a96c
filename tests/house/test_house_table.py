"""Every row of the command table, with random arguments, through real packets and a real daemon."""

import json
import random

import pytest
from house_values import Typed, illegal, legal
from house_wire import assert_told_well
from wire_house import write_lora

from bridge.protocol.commands import COMMANDS
from bridge.protocol.errors import NAMES
from bridge.protocol.ops import KEY, KEYS, OP, SINKS

EXAMPLES = 8
CONTEXT = [row for row in COMMANDS if row.section == "context"]
OPS = [row for row in COMMANDS if row.op]
OTHER = [r for r in COMMANDS if r not in CONTEXT and r not in OPS]
SECONDS = 3.0
RATE = 8000

name_of = lambda row: row.address.removeprefix("/punchin/")  # noqa: E731


@pytest.fixture
def files(make_wav, tmp_path, tcp, new_id):
    """What named files, jobs and folders may be."""
    (tmp_path / "words.txt").write_bytes("la\r\nä𝄞".encode())
    write_lora(tmp_path / "voice.safetensors")
    song = make_wav(seconds=SECONDS)
    done = new_id("source")
    tcp.done("cover", done, song, "takes", 2)
    return {
        "source": song,
        "lyrics_file": str(tmp_path / "words.txt"),
        "reference": song,
        "plan": str(tmp_path / "words.txt"),
        "melody": str(tmp_path / "words.txt"),
        "folder": str(tmp_path),
        "of": f"{done}:2",
        "engine": "fake",
        "preset": "half-time",
        "sinks": "file",
    }


def send(client, row, values):
    tags = "".join(v.tag for v in values)
    client.send(row.address, *(v.value for v in values), tags=tags)


def positional(rng, row, files):
    """Legal values for a row's arguments, the optional ones sometimes left out."""
    args = list(row.args)
    while args and args[-1].optional and rng.random() < 0.4:
        args.pop()
    own = {"path": files["source"], "lora path": f"{files['folder']}/voice.safetensors"}
    return [
        Typed("s", own[k.name]) if k.name in own else legal(rng, k) for k in (a.kind for a in args)
    ]


# -- context ---------------------------------------------------------------------------------------


def expected(row, values):
    """What `context.reply` must show for a context message."""
    name, kept = name_of(row), [v.kept for v in values]
    by_name = dict(zip((a.name for a in row.args), kept, strict=False))
    if name in ("region", "region_frames"):
        scale = RATE if name == "region_frames" else 1
        return {k: v if k == "source" else v / scale for k, v in by_name.items()}
    if name == "place":
        return {"place": by_name}
    if name == "tempo":
        metre = f"{by_name['beats']}/{by_name.get('unit', 4)}" if "beats" in by_name else None
        return {"bpm": by_name["bpm"], "meter": metre}
    if name == "lyrics":
        return {"lyrics": by_name["text"], "language": by_name.get("language")}
    if name == "lora":
        scale = by_name.get("scale", 1.0)
        return {"lora": f"{by_name['path']}={scale:g}" if scale else None}
    if name == "transport":
        return {"transport": by_name}
    if name.startswith("transport/"):
        return {"transport": {name.removeprefix("transport/"): kept[0]}}
    if name.startswith("selection/"):
        return {"selection": {name.removeprefix("selection/"): kept[0]}}
    if name in ("reset", "context"):
        return {"source": None, "prompt": None, "set": {}}
    return {name: kept[0]}


@pytest.mark.parametrize("kind", ["udp", "tcp"])
@pytest.mark.parametrize("row", [r for r in CONTEXT if not r.keys], ids=name_of)
def test_context_rows_come_back_the_same(house, files, row, kind):
    rng = random.Random(f"{row.address} {kind}")
    with getattr(house, kind)() as client:
        for _ in range(EXAMPLES):
            values = positional(rng, row, files)
            client.send("/punchin/reset")
            send(client, row, values)
            told = client.ask("context")
            wanted = expected(row, values)
            assert {k: told[k] for k in wanted} == wanted, values
        assert client.ask("context")
        assert not [m for m in client.seen if m.name == "error"]


def shown(name, value):
    return json.loads(value) if name == "tempomap" else value


def test_set_keeps_every_key(tcp, files):
    rng = random.Random("set")
    for key in KEYS * 2:
        value = Typed("s", files[key.name]) if key.name in files else legal(rng, key.kind)
        tcp.send("/punchin/reset")
        send(tcp, next(r for r in CONTEXT if r.keys), [Typed("s", key.name), value])
        told = tcp.ask("context")["set"]
        assert shown(key.name, told[key.name]) == value.kept, key.name


# -- jobs ------------------------------------------------------------------------------------------


def random_keys(rng, files):
    """Legal keys: what ops need, a region that lies in the source, and others at random."""
    free = {k.name for k in KEYS if k.name not in files}
    free -= {n for n in KEY if n.startswith(("start", "end", "clip_"))}
    free -= {"seconds", "bars", "lyrics", "tempomap", "bpm", "meter", "downbeat"}
    values = {n: legal(rng, KEY[n].kind) for n in free if rng.random() < 0.3}
    values |= {n: Typed("s", files[n]) for n in files if n != "source" and rng.random() < 0.2}
    if "lyrics_file" not in values:
        values["lyrics"] = legal(rng, KEY["lyrics"].kind)
    length = rng.choice(["seconds", "bars"])
    values[length] = legal(rng, KEY[length].kind)
    values |= {n: legal(rng, KEY[n].kind) for n in ("track", "prompt")}
    if rng.random() < 0.5:
        values |= {"bpm": legal(rng, KEY["bpm"].kind), "meter": legal(rng, KEY["meter"].kind)}
    else:
        values["tempomap"] = legal(rng, KEY["tempomap"].kind)
        values.pop("stretch", None)  # needs one tempo
    frames = sorted(rng.sample(range(0, round(SECONDS * RATE), 100), 2))
    form = rng.choice(["", "_frame"])
    for name, frame in zip(("start", "end"), frames, strict=True):
        value = Typed("h", frame) if form else Typed("d", frame / RATE)
        values[f"{name}{form}"] = value
    return values


@pytest.mark.parametrize("row", OPS, ids=name_of)
def test_op_rows_come_back_in_the_request(house, tcp, files, new_id, row):
    rng = random.Random(row.address)
    block = new_id("block")
    tcp.send("/punchin/bgm", block, files["source"], "prompt", "wait 600", "priority", 2)
    tcp.until("started", id=block)
    for i in range(EXAMPLES):
        keys = random_keys(rng, files)
        values = [Typed("s", job_id := new_id())]
        values += [Typed("s", files["source"])] if i % 2 or row.op == "repaint" else []
        own = len(values) == 2
        if not own:
            tcp.send("/punchin/region", files["source"], 0.5, 2.5)
        for name, value in rng.sample(sorted(keys.items()), len(keys)):
            values += [Typed("s", name), value]
        with house.udp() as udp:
            client = rng.choice([udp, tcp])
            send(client, row, values)
            answer = client.until("accepted", "failed", "error")
        assert answer.name == "accepted", (answer, values)
        request = house.job(job_id)["request"]
        for name, value in keys.items():
            assert shown(name, request[name]) == value.kept, name
        if own:
            assert request["source"] == files["source"]
        assert request.keys() - set(keys) - {"source", "seed", "lyrics"} <= PRESET_KEYS
        assert "preset" in keys or not PRESET_KEYS & request.keys() - keys.keys()
    tcp.send("/punchin/cancel", "*")


PRESET_KEYS = {"prompt", "strength", "guidance", "steps", "negative", "stems", "side"}


# -- the rest --------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", [r for r in OTHER if r.address != "/punchin/quit"], ids=name_of)
def test_other_rows_are_answered_as_the_table_says(house, tcp, files, row):
    rng = random.Random(row.address)
    done = files["of"].split(":")[0]
    for _ in range(EXAMPLES):
        values = positional(rng, row, files)
        name = name_of(row)
        if row.args and row.args[0].name == "id":
            values[0] = Typed("s", done)
        if name in ("play", "swap") and len(values) > 1:
            values[1] = Typed("i", rng.randint(0, 2))
        if name == "play" and len(values) > 2:
            values[2] = Typed("s", "mix")
        if name == "solo":
            tcp.send("/punchin/play", done)
            values[0] = Typed("s", "mix")
        if name == "accept":
            values[1] = Typed("i", rng.randint(1, 2))
        if name == "engine":
            values[0] = Typed("s", "fake")
        if name == "do":
            tcp.send("/punchin/region", files["source"], 0.5, 1.0)
            tcp.send("/punchin/set", "seconds", 0.1, "track", "bass", "prompt", "p")
        if name == "forget":
            values[0] = Typed("s", f"again-{rng.randint(0, 10**9)}")
            tcp.done("analyze", values[0].value, files["source"])
        send(tcp, row, values)
        silent = not row.reply or (name == "do" and len(values) > 1 and values[1].kept == 0)
        if name == "cancel":
            assert tcp.until("done").args[0] == done
        elif name == "capture":  # where there is a microphone it may end what it began
            assert {m.args[0] for m in tcp.quiet() if m.name == "error"} <= {101, 402}
        elif silent:
            assert not [m for m in tcp.quiet() if m.name == "error"]
        else:
            answer = tcp.until(row.reply.removeprefix("/punchin/"), "error", "failed", "part")
            assert answer.address == row.reply, (answer, values)
        if name == "sync":
            assert tcp.seen[-1].args == [values[0].kept]
    tcp.send("/punchin/dump", 0)
    tcp.send("/punchin/cancel", "*")
    tcp.quiet()


# -- illegal arguments -----------------------------------------------------------------------------


def spoiled(rng, row, files):
    """Arguments of which one thing at least is wrong."""
    values = positional(rng, row, files)
    keyed = [Typed("s", "seed"), Typed("i", 1)] if row.keys else []
    if row.op:
        values = [Typed("s", f"bad-{rng.randint(0, 10**9)}"), Typed("s", files["source"])]
    if row.op == "repaint":
        keyed += [Typed("s", "start"), Typed("i", 0), Typed("s", "end"), Typed("i", 1)]
    ways = ["count"] if not row.args or row.clears else ["count", "value", "value"]
    ways += ["key", "key value", "key value", "pair"] if row.keys else []
    way = rng.choice(ways)
    if way == "count" and not row.keys:
        few = sum(not a.optional for a in row.args)
        if few and rng.random() < 0.5:
            return values[: rng.randrange(few)]
        return values + [Typed("s", "more")] * (len(row.args) + 1 - len(values))
    if way == "value":
        at = rng.randrange(len(values))
        values[at] = illegal(rng, row.args[at].kind)
        return values + keyed
    if way == "key":
        return [*values, *keyed, Typed("s", "no such key"), Typed("i", 1)]
    if way == "key value":
        name = rng.choice([k.name for k in KEYS if k.kind.name != "path" and k.name != "seed"])
        return [*values, *keyed, Typed("s", name), illegal(rng, KEY[name].kind)]
    return [*values, *keyed, Typed("s", "takes")] if len(values) == 2 else [Typed("s", "takes")]


@pytest.mark.parametrize("row", COMMANDS, ids=name_of)
def test_illegal_arguments_get_a_number_and_the_daemon_lives_on(house, files, row):
    rng = random.Random(f"illegal {row.address}")
    with house.tcp() as client:
        for _ in range(2 * EXAMPLES):
            values = spoiled(rng, row, files)
            send(client, row, values)
            answer = client.until("error", "failed", "accepted", "job.reply", "describe.reply")
            assert answer.name in ("error", "failed"), (answer, values)
            assert_told_well(answer)
            code = answer.args[0] if answer.name == "error" else answer.args[1]
            assert code in NAMES
            assert code not in (500,), values
        assert client.quiet() == []


def test_the_generators_know_every_kind():
    rng = random.Random(0)
    kinds = [a.kind for row in COMMANDS for a in row.args] + [k.kind for k in KEYS]
    for kind in kinds:
        if kind.name not in ("path", "id", "job id", "job reference"):
            assert legal(rng, kind)
        assert illegal(rng, kind)
    assert {"file"} < set(SINKS)
    assert set(OP) == {row.op for row in OPS}
