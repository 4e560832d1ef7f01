"""The sides of a space: what one parameter may be, where in there a value lies, and back.

A share in [0, 1] stands for a place along a side: low is 0, and equal shares are equally likely.
Samplers that plan their points, or search a unit cube, need no more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import exp, log
from typing import TypeGuard

Value = float | int | str | bool


@dataclass(frozen=True)
class Float:
    """A real number in [low, high]; `log` draws its order of magnitude, `step` leaves gaps.

    With a step, high is a whole number of steps above low.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None

    @property
    def values(self) -> Sequence[float] | None:
        """All values, or None if they cannot be counted."""
        if self.low == self.high:
            return (self.low,)
        if self.step is None:
            return None
        return _steps(self.low, self.high, self.step)

    def at(self, share: float) -> float:
        """Return the value at a share in [0, 1]."""
        values = self.values
        if values is not None:
            return values[_place(share, len(values))]
        if not self.log:
            return min(self.low + share * (self.high - self.low), self.high)
        value = exp(log(self.low) + share * (log(self.high) - log(self.low)))
        return min(max(value, self.low), self.high)

    def share(self, value: float) -> float:
        """Return where a value of this side lies; that of a step is in its middle."""
        values = self.values
        if values is not None:
            return _middle(values, value)
        if not self.log:
            return (value - self.low) / (self.high - self.low)
        return (log(value) - log(self.low)) / (log(self.high) - log(self.low))

    def nearest(self, value: Value) -> float:
        """Return the value closest to any other; of what is no number, the middle."""
        if not _is_number(value):
            return self.at(0.5)
        if self.values is not None:
            return min(self.values, key=lambda one: abs(one - float(value)))
        return min(max(float(value), self.low), self.high)


@dataclass(frozen=True)
class Int:
    """A whole number in [low, high]; `log` draws its order of magnitude, `step` leaves gaps.

    With a step, high is a whole number of steps above low.
    """

    low: int
    high: int
    log: bool = False
    step: int = 1

    @property
    def values(self) -> Sequence[int]:
        """All values."""
        return range(self.low, self.high + 1, self.step)

    def at(self, share: float) -> int:
        """Return the value at a share in [0, 1]."""
        if not self.log:
            return self.values[_place(share, len(self.values))]
        low, high = log(self.low - 0.5), log(self.high + 0.5)
        return min(max(round(exp(low + share * (high - low))), self.low), self.high)

    def share(self, value: int) -> float:
        """Return where a value of this side lies, in the middle of its part."""
        if not self.log:
            return _middle(self.values, value)
        low, high = log(self.low - 0.5), log(self.high + 0.5)
        return (log(value) - low) / (high - low)

    def nearest(self, value: Value) -> int:
        """Return the value closest to any other; of what is no number, the middle."""
        if not _is_number(value):
            return self.at(0.5)
        steps = round((min(max(float(value), self.low), self.high) - self.low) / self.step)
        return self.low + steps * self.step


@dataclass(frozen=True)
class Choice:
    """One of some values, in no order."""

    values: tuple[Value, ...]

    def at(self, share: float) -> Value:
        """Return the value at a share in [0, 1]."""
        return self.values[_place(share, len(self.values))]

    def nearest(self, value: Value) -> Value:
        """Return the value itself if it is one of them; else the closest number, or the first."""
        alike = [one for one in self.values if one == value and type(one) is type(value)]
        numbers = [one for one in self.values if _is_number(one)]
        if alike or not numbers or not _is_number(value):
            return (alike or self.values)[0]
        return min(numbers, key=lambda one: abs(float(one) - float(value)))


Dimension = Float | Int | Choice


def whole_steps(low: float, high: float, step: float) -> float:
    """Return the last value that is not above high, counting decimal steps from low.

    >>> whole_steps(0.1, 0.45, 0.1)
    0.4

    """
    start, size = Fraction(str(low)), Fraction(str(step))
    return float(start + (Fraction(str(high)) - start) // size * size)


def _steps(low: float, high: float, step: float) -> Sequence[float]:
    start, size = Fraction(str(low)), Fraction(str(step))
    count = round((Fraction(str(high)) - start) / size) + 1
    return tuple(float(start + place * size) for place in range(count))


def _place(share: float, count: int) -> int:
    return min(int(share * count), count - 1)


def _middle(values: Sequence[float] | Sequence[int], value: float) -> float:
    place = min(range(len(values)), key=lambda one: abs(values[one] - value))
    return (place + 0.5) / len(values)


def _is_number(value: Value) -> TypeGuard[float | int]:
    return isinstance(value, int | float) and not isinstance(value, bool)
