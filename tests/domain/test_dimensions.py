"""Where values lie along a side, and which value lies there."""

from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys.domain.spaces.dimensions import Choice, Dimension, Float, Int, Value, whole_steps

SHARES = st.floats(0, 1)


@st.composite
def numbers(draw: st.DrawFn) -> Float | Int:
    """Any side that is a number."""
    by_magnitude = draw(st.booleans())
    steps = draw(st.integers(0, 50))
    if draw(st.booleans()):
        low = draw(st.integers(1 if by_magnitude else -100, 100))
        step = 1 if by_magnitude else draw(st.integers(1, 9))
        return Int(low, low + steps * step, log=by_magnitude, step=step)
    start = draw(st.floats(1e-3 if by_magnitude else -100, 100))
    if by_magnitude:
        return Float(start, start * (1 + steps), log=True)
    if draw(st.booleans()):
        tenths = draw(st.integers(-100, 100))
        return Float(tenths / 10, (tenths + steps) / 10, step=0.1)
    return Float(start, start + steps)


@given(numbers(), SHARES)
def test_what_lies_at_a_share_is_inside(side: Float | Int, share: float) -> None:
    value = side.at(share)

    assert side.low <= value <= side.high
    assert side.values is None or value in side.values
    assert type(value) is type(side.low)


@given(numbers(), SHARES)
def test_a_value_lies_where_it_is_found(side: Float | Int, share: float) -> None:
    value = side.at(share)

    assert side.at(side.share(value)) == pytest.approx(value)  # type: ignore[arg-type]


@given(numbers(), SHARES)
def test_what_is_inside_is_its_own_nearest(side: Float | Int, share: float) -> None:
    value = side.at(share)

    assert side.nearest(value) == value


@given(numbers(), st.floats(-1e6, 1e6))
def test_what_is_outside_is_moved_to_the_closest(side: Float | Int, value: float) -> None:
    nearest = side.nearest(value)

    ends = [abs(side.low - value), abs(side.high - value)]
    assert side.low <= nearest <= side.high
    assert abs(nearest - value) <= min(ends) + 1e-9


@pytest.mark.parametrize(
    "side",
    [Float(0.5, 8, log=True), Float(0.5, 8), Int(1, 64, log=True), Int(1, 9, step=2)],
    ids=str,
)
def test_equal_shares_are_equally_likely(side: Float | Int) -> None:
    drawn = [side.at((place + 0.5) / 10_000) for place in range(10_000)]

    middle = side.at(0.5)
    assert sum(one <= middle for one in drawn) == pytest.approx(5_000, abs=1_000)
    if side.log:
        assert log(middle) == pytest.approx((log(side.low) + log(side.high)) / 2, abs=0.4)


@pytest.mark.parametrize(
    ("side", "value", "nearest"),
    [
        (Float(1, 3), "text", 2.0),
        (Int(1, 3), True, 2),
        (Int(2, 10, step=4), 7, 6),
        (Choice(("a", "b")), "b", "b"),
        (Choice(("a", "b")), "c", "a"),
        (Choice((-1, 4, 8)), 7, 8),
        (Choice((-1, 4, 8)), "a", -1),
        (Choice((True, False)), False, False),
        (Choice((1, 2)), True, 1),
    ],
    ids=str,
)
def test_nearest(side: Dimension, value: Value, nearest: Value) -> None:
    found = side.nearest(value)

    assert (found, type(found)) == (nearest, type(nearest))


@given(st.integers(-1000, 1000), st.integers(1, 500), st.integers(0, 100), st.integers(0, 99))
def test_steps_are_counted_as_they_are_written(low: int, size: int, steps: int, rest: int) -> None:
    high = (low + steps * size) * 100 + rest * size

    assert whole_steps(low / 10, high / 1000, size / 10) == (low + steps * size) / 10
