"""Which ports of others ours are connected to."""

import pytest

from daemon.player.outputs.jack_ports import Rule


@pytest.mark.parametrize(
    ("text", "pair", "ports", "targets"),
    [
        ("system:playback_*", "mix", "system:playback_*", [(0, "system:playback_1"), (1, "system:playback_2")]),  # noqa: E501
        ("*=daw:{pair}/in*", "*", "daw:{pair}/in*", [(0, "daw:mix/in"), (1, "daw:mix/in")]),
        (" mix = nobody:x ", "mix", "nobody:x", []),
        ("vocals=system:*", "vocals", "system:*", []),
    ],
)  # fmt: skip
def test_a_rule_finds_its_ports(text, pair, ports, targets):
    inputs = ["system:playback_1", "system:playback_2", "system:playback_3", "daw:mix/in"]
    rule = Rule.parse(text)
    assert (rule.pair, rule.ports) == (pair, ports)
    assert rule.targets("mix", inputs) == targets


@pytest.mark.parametrize("text", ["", "=a:b", "mix=", "mix=nocolon"])
def test_a_rule_without_client_and_port_is_refused(text):
    with pytest.raises(ValueError, match="pair=client:port"):
        Rule.parse(text)
