"""Section 1 of the wire contract: subscriptions and their lease."""

import pytest
from house_wire import Udp

from daemon.core.bus import Bus

MIB = 1 << 20


def version(client):
    client.send("/punchin/version")
    return client.until("version.reply").args


# -- subscriptions -------------------------------------------------------------------------------


def test_notify_brings_every_jobs_events_until_it_ends(house, make_wav, new_id):
    first, second = new_id(), new_id()
    with house.udp() as watch, house.tcp() as tcp:
        watch.send("/punchin/notify", 1)
        watch.quiet()
        tcp.done("bgm", first, make_wav())
        names = [m.name for m in watch.events(first)]
        assert names[:2] == ["accepted", "started"]
        assert names[-1] == "done"
        watch.send("/punchin/notify", 0)
        watch.quiet()
        tcp.done("bgm", second, make_wav())
        assert watch.quiet() == []


def test_notify_with_a_port_sends_there(house, make_wav, new_id):
    job_id = new_id()
    with house.udp() as asks, Udp(house.port) as hears, house.tcp() as tcp:
        asks.send("/punchin/notify", 1, hears.port)
        asks.quiet()
        tcp.done("bgm", job_id, make_wav())
        assert hears.events(job_id)[-1].name == "done"
        assert asks.quiet() == []
        asks.send("/punchin/notify", 0)
        asks.quiet()
        tcp.done("bgm", new_id(), make_wav())
        assert hears.quiet() == []


@pytest.mark.parametrize("kind", ["udp", "tcp"])
def test_a_subscribed_sender_hears_its_own_events_once(house, make_wav, new_id, kind):
    job_id = new_id()
    with getattr(house, kind)() as client:
        client.send("/punchin/notify", 1)
        client.send("/punchin/notify", 1)
        client.done("bgm", job_id, make_wav())
        client.quiet()
        names = [m.name for m in client.seen if m.args[0] == job_id]
        for once in ("accepted", "started", "done"):
            assert names.count(once) == 1
        files = [tuple(m.args[1:3]) for m in client.seen if m.name == "file"]
        assert len(files) == len(set(files)) == 3


# -- the lease -------------------------------------------------------------------------------------


class Ear:
    """A listener that keeps what it is sent."""

    def __init__(self, key, leased=True):
        self.key, self.leased, self.heard = key, leased, []

    def send(self, address, *args, instead=None):
        self.heard.append((address, *args))


def test_a_udp_subscription_lapses_120_s_after_the_last_message():
    now = [0.0]
    bus, ear = Bus(lambda: now[0]), Ear("a")
    bus.subscribe("a", ear)
    now[0] = 119.9
    assert bus.audience("j") == [ear]
    bus.heard_from("a")
    now[0] = 239.8
    assert bus.audience("j") == [ear]
    now[0] = 240.0
    assert bus.audience("j") == []


def test_a_lease_at_another_port_lives_by_its_clients_messages():
    now = [0.0]
    bus, ear = Bus(lambda: now[0]), Ear("other port")
    bus.subscribe("client", ear)
    now[0] = 100.0
    bus.heard_from("client")
    now[0] = 210.0
    assert bus.audience("j") == [ear]
    bus.unsubscribe("client")
    assert bus.audience("j") == []


def test_a_sender_hears_its_job_without_a_lease_and_once():
    now = [0.0]
    bus, ear = Bus(lambda: now[0]), Ear("a")
    bus.subscribe("a", ear)
    bus.follow("J", Ear("a"))
    assert len(bus.audience("j")) == 1
    now[0] = 500.0
    assert [e.key for e in bus.audience("j")] == ["a"]
    bus.unfollow("j")
    assert bus.audience("j") == []


def test_a_tcp_subscription_has_no_lease():
    now = [0.0]
    bus, ear = Bus(lambda: now[0]), Ear("a", leased=False)
    bus.subscribe("a", ear)
    now[0] = 1e6
    assert bus.audience("j") == [ear]
    bus.forget("a")
    assert bus.audience("j") == []


def test_a_message_of_any_kind_keeps_the_lease(house):
    with Udp(house.port) as udp:
        udp.send("/punchin/notify", 1)
        udp.error("/punchin/nothing")
        udp.send("/punchin/notify", False)
        assert udp.quiet() == []
