"""Section 1 of the wire contract: transports, framing, bundles, arguments, replies."""

import json
import struct
import time

import pytest
from house_wire import NTP_TO_UNIX, bundle, packet, sized, slipped, time_tag
from patience import PATIENCE_S, in_time

MIB = 1 << 20
SOON_S = 45.0  # sooner than the time tags that must not be waited for


def version(client):
    client.send("/punchin/version")
    return client.until("version.reply").args


def test_udp_and_tcp_answer_on_the_same_port_in_both_framings(house):
    with house.udp() as udp, house.tcp() as tcp, house.tcp(slip=True) as slip:
        answers = [version(c) for c in (udp, tcp, slip)]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0] == 1


def test_a_frame_may_arrive_byte_by_byte_and_several_at_once(tcp):
    frame = sized(packet("/punchin/version"))
    for i in range(len(frame)):
        tcp.sock.send(frame[i : i + 1])
    tcp.sock.sendall(frame * 3)
    for _ in range(4):
        assert tcp.next().name == "version.reply"


def test_slip_escapes_survive_in_both_directions(house):
    text = "\u06c0\u06db" + "x"  # their UTF-8 holds 0xDB, in many texts 0xC0 lengths follow
    with house.tcp(slip=True) as client:
        for words in (text, "a" * 0xC0, "b" * 0xDB):
            client.send("/punchin/prompt", words)
            assert client.ask("context")["prompt"] == words
        client.put(packet("/punchin/sync", 0xC0DB, tags="i"))  # the bytes C0 DB themselves
        assert client.until("synced").args == [0xC0DB]


@pytest.mark.parametrize("slip", [False, True])
def test_a_frame_over_one_mebibyte_closes_that_connection_alone(house, slip):
    with house.tcp(slip) as bad, house.tcp() as good:
        version(bad)
        if slip:
            bad.sock.sendall(slipped(b"/" * (2 * MIB + 8)))
        else:
            bad.sock.sendall(struct.pack(">i", MIB + 4))
        assert bad.wait_closed()
        assert version(good)


def test_a_frame_of_one_mebibyte_is_read(tcp):
    text = "x" * (MIB - 64)
    message = packet("/punchin/prompt", text)
    assert MIB - 64 < len(message) <= MIB
    tcp.put(message)
    assert tcp.until("error").args[0] == 106
    assert version(tcp)


def test_closing_a_connection_cancels_nothing(house, make_wav, new_id):
    job_id = new_id()
    with house.tcp() as gone, house.tcp() as watch:
        watch.send("/punchin/notify", 1)
        watch.quiet()
        gone.send("/punchin/bgm", job_id, make_wav(), "prompt", "wait 0.3")
        gone.until("started", id=job_id)
        gone.close()
        assert watch.events(job_id)[-1].name == "done"


# -- bundles -------------------------------------------------------------------------------------


def test_a_bundle_carries_context_and_job_in_order(house, tcp, make_wav, new_id):
    first, second = new_id(), new_id()
    path = make_wav()
    tcp.put(
        bundle(
            packet("/punchin/region", path, 0.25, 0.5),
            packet("/punchin/prompt", "one"),
            packet("/punchin/repaint", first),
            packet("/punchin/prompt", "two"),
            packet("/punchin/repaint", second),
        )
    )
    tcp.events(first)
    if not any(m.name == "done" and m.args[0] == second for m in tcp.seen):
        tcp.events(second)
    assert house.job(first)["request"]["prompt"] == "one"
    assert house.job(second)["request"]["prompt"] == "two"


def test_replies_within_a_bundle_show_the_context_as_it_was_then(tcp, make_wav):
    path = make_wav()
    tcp.put(
        bundle(
            packet("/punchin/region_frames", path, 100, 4000),
            packet("/punchin/prompt", "now"),
            packet("/punchin/context"),
            packet("/punchin/prompt", "later"),
        )
    )
    reply = json.loads(tcp.until("context.reply").args[0])
    assert reply["prompt"] == "now"
    assert reply["start"] == 100 / 8000


def test_bundles_nest(tcp):
    inner = bundle(packet("/punchin/prompt", "inner"))
    tcp.put(bundle(packet("/punchin/prompt", "outer"), inner, packet("/punchin/context")))
    assert json.loads(tcp.until("context.reply").args[0])["prompt"] == "inner"


@pytest.mark.parametrize(
    "tag", [0, 1, 2, NTP_TO_UNIX << 32, 2**64 - 1], ids=["0", "now", "2", "1970", "end of time"]
)
def test_past_and_far_time_tags_mean_now(tcp, tag):
    tcp.put(bundle(packet("/punchin/sync", 5), tag=tag))
    assert tcp.until("synced", timeout=SOON_S).args == [5]


def test_a_time_tag_more_than_a_minute_ahead_means_now(tcp):
    tcp.put(bundle(packet("/punchin/sync", 6), tag=time_tag(60 + PATIENCE_S)))
    assert tcp.until("synced", timeout=SOON_S).args == [6]


def test_a_bundle_that_waits_holds_up_nobody(house):
    def attempt(number):
        wait_s = min(0.5 * 2**number, 30)
        start = time.monotonic()
        with house.udp() as udp, house.tcp() as other:
            late = packet("/punchin/prompt", "a"), packet("/punchin/sync", 7)
            udp.put(bundle(*late, tag=time_tag(wait_s)))
            udp.send("/punchin/sync", 8)
            assert version(other)
            first, last = udp.until("synced").args, udp.until("synced").args
        assert time.monotonic() - start >= 0.9 * wait_s
        assert (first, last) == ([8], [7])

    in_time(attempt)


# -- addresses and arguments ---------------------------------------------------------------------


@pytest.mark.parametrize("address", ["/punchin/*", "/punchin/ver?ion", "/punchin/[v]ersion"])
def test_patterns_are_not_expanded(udp, address):
    assert udp.error(address)[0] == 100
    assert udp.quiet() == []


def test_braces_are_not_expanded(udp):
    assert udp.error("/punchin/{version,status}")[:2] == [100, "unknown-command"]


def test_an_unknown_address_names_the_nearest(udp):
    assert "/punchin/repaint" in udp.error("/punchin/repiant", "a")[3]


@pytest.mark.parametrize("tags", ["i", "h", "f", "d"])
def test_every_osc_number_serves_whole_numbers(tcp, tags):
    tcp.send("/punchin/sync", 41 if tags in "ih" else 41.0, tags=tags)
    assert tcp.until("synced").args == [41]


@pytest.mark.parametrize("tags", ["iii", "hhh", "fff", "ddd", "fif"])
def test_every_osc_number_serves_real_numbers(tcp, tags):
    values = [v if t in "ih" else float(v) for v, t in zip((90, 7, 8), tags, strict=True)]
    tcp.send("/punchin/tempo", *values, tags=tags)
    told = tcp.ask("context")
    assert (told["bpm"], told["meter"]) == (90, "7/8")


@pytest.mark.parametrize(("value", "tag"), [(True, "T"), (False, "F"), (1.0, "f"), (0, "i")])
def test_true_and_false_count_as_one_and_zero(tcp, value, tag):
    tcp.send("/punchin/transport/playing", value, tags=tag)
    assert tcp.ask("context")["transport"]["playing"] == int(value)


def test_texts_are_utf8(tcp):
    words = "Grüße, 音楽 🎹 \r\n\tend"
    tcp.send("/punchin/prompt", words)
    assert tcp.ask("context")["prompt"] == words


@pytest.mark.parametrize("data", [b"", b"junk", b"/punchin/version", b"#bundle\0", b"\0" * 16])
def test_what_is_no_packet_leaves_the_daemon_well(house, data):
    with house.udp() as udp, house.tcp() as tcp:
        udp.put(data)
        tcp.put(data)
        assert version(udp)
        assert version(tcp)


# -- replies -------------------------------------------------------------------------------------


def test_replies_go_to_the_port_that_asked_and_nowhere_else(house):
    with house.udp() as one, house.udp() as other:
        version(other)
        version(one)
        assert one.ask("context")["source"] is None
        assert other.next(0.05) is None


def test_a_long_reply_over_udp_comes_in_parts(udp):
    table = udp.ask("describe")
    assert {"commands", "keys", "events", "errors"} <= table.keys()
    assert max(udp.sizes) <= 8000
    pieces = [m.args for m in udp.seen if m.name == "part"]
    assert [p[1] for p in pieces] == list(range(pieces[0][2]))
    assert len(pieces) > 1


def test_parts_are_cut_between_characters(udp):
    for shift in range(4):  # a cut somewhere would fall inside a character
        words = "x" * shift + "🎹" * 4000
        udp.send("/punchin/prompt", words)
        assert udp.ask("context")["prompt"] == words
    assert max(udp.sizes) <= 8000


def test_tcp_carries_a_long_reply_whole(tcp):
    assert tcp.ask("describe")["protocol"] == 1
    assert [m.name for m in tcp.seen] == ["describe.reply"]


def test_no_datagram_exceeds_8000_bytes_whatever_is_wrong(house, new_id):
    with house.udp() as udp:
        job_id = new_id()
        udp.send("/punchin/bgm", job_id, "/" + "n" * 30_000)
        failed = udp.until("failed", id=job_id)
        assert failed.args[1] in (200, 201)
        udp.send("/punchin/" + "x" * 30_000)
        assert udp.until("error").args[0] == 100
        udp.send("/punchin/bgm", new_id(), "/a.wav", "k" * 30_000, 1)
        assert udp.until("failed").args[1] == 102
        udp.send("/punchin/bgm", "i" * 30_000, "/a.wav")
        assert udp.until("error").args[0] == 104
        assert max(udp.sizes) <= 8000


def test_a_long_done_is_whole_over_tcp_and_a_job_file_over_udp(house, make_wav, new_id):
    job_id = new_id("long")
    with house.udp() as udp, house.tcp() as tcp:
        udp.send("/punchin/notify", 1)
        udp.quiet()
        result = tcp.done("bgm", job_id, make_wav(), "prompt", "p" * 9000)
        assert "p" * 9000 in result["notes"][0]
        short = json.loads(udp.events(job_id)[-1].args[1])
        assert short == {"job_file": str(house.folder(job_id) / "job.json")}
        assert house.job(job_id)["result"] == result
        assert max(udp.sizes) <= 8000


def test_a_short_done_is_whole_over_udp(house, udp, make_wav, new_id):
    job_id = new_id()
    result = udp.done("bgm", job_id, make_wav())
    assert result == house.job(job_id)["result"]
