"""How much of a plan a retake plays anew."""

from hypothesis import given
from hypothesis import strategies as st

from daemon.engines.sketch.plan.varying import stretches_anew

PLACES = st.lists(
    st.tuples(st.sampled_from(["drums", "bass", "keys", "pad"]), st.integers(0, 12)),
    unique=True,
    max_size=30,
)
STRENGTH = st.floats(0, 1)


@given(PLACES, st.integers(0, 2**31 - 1), STRENGTH, STRENGTH)
def test_strength_is_the_share_that_is_new_and_a_higher_one_keeps_what_a_lower_one_changed(
    places: list[tuple[str, int]], seed: int, one: float, other: float
) -> None:
    low, high = sorted((one, other))
    less, more = (stretches_anew(places, seed, s) for s in (low, high))
    assert less <= more <= set(places)
    assert abs(len(more) - high * len(places)) <= 0.5
    assert not stretches_anew(places, seed, 0.0)
    assert stretches_anew(places, seed, 1.0) == set(places)


def test_even_two_bars_change_more_at_every_step() -> None:
    places = [(name, 0) for name in ("drums", "bass", "keys", "pad")]
    for seed in range(20):
        sizes = [len(stretches_anew(places, seed, s)) for s in (0.0, 0.3, 0.6, 1.0)]
        assert sizes == [0, 1, 2, 4]
