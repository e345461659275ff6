"""The partitions of a stream's kernel: every tap is in one, and the work of each is done in time, once."""

from hypothesis import given
from hypothesis import strategies as st

from konvolve.planning.stream import make_plan
from konvolve.profiles import in_use

PROFILE = in_use.profile("numpy")


def plans(taps, block, latency):
    """Return the plan of one signal, and that of partitions of one size."""
    asked = (taps, block, latency, (1, 1, 1), "float32", PROFILE)
    return make_plan(*asked), make_plan(*asked, uniform=True)


@given(st.integers(1, 10**7), st.integers(0, 12).map(lambda power: 2**power), st.integers(0, 10**4))
def test_the_partitions_hold_every_tap_once(taps, block, latency):
    plan, uniform = plans(taps, min(block, 64), latency)
    assert len(uniform.levels) == 1
    for each in (plan, uniform):
        end = 0
        for place, level in enumerate(each.levels):
            start = each.start(place)
            assert start == end  # none between two levels is left out
            end = 2 * each.levels[place + 1].size if place + 1 < len(each.levels) else taps + latency
            if level.parts:
                assert start + level.parts * level.size >= end
                assert level.silent == 0 or start + level.silent * level.size <= latency
            else:  # before the first tap
                assert end - level.size < latency + level.size
        assert plan.seconds <= uniform.seconds * 1.5


@given(st.integers(5000, 10**6), st.sampled_from([1, 8, 64, 256]))
def test_all_work_is_done_once_and_in_order(taps, block):
    plan, _ = plans(taps, block, 0)
    for place in range(1, len(plan.levels)):
        seen, transformed, done = [], False, False
        for slot in range(plan.slots(place)):
            transform, (low, high), back = plan.due(place, slot)
            assert not (transform and (transformed or seen))
            transformed = transformed or transform
            assert high <= low or (transformed and not done)
            seen += range(low, high)
            done = done or back
            assert not back or transformed
        assert done
        assert seen == list(range(plan.levels[place].parts))


def test_large_partitions_where_they_pay():
    plan, uniform = plans(88200, 256, 0)
    assert plan.levels[0].size == 256
    assert len(plan.levels) > 1
    assert plan.seconds < uniform.seconds / 2
    assert "taps from         0" in str(plan)
    assert len(plans(300, 256, 0)[0].levels) == 1


def test_latency_leaves_out_what_is_silent():
    assert plans(1000, 64, 1000)[0].levels[0].silent == 15
