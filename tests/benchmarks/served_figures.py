"""What was measured of several servers side by side, as lines and as a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from tests.benchmarks.backends import spread


@dataclass(frozen=True)
class Figures:
    """One figure of each server, run by run; `title` says what and in which unit.

    `column` says it briefly, in the table.
    """

    title: str
    column: str
    digits: int
    by_name: Mapping[str, Sequence[float]]

    def print_beside(self, base: str, peers: Sequence[str], *, ours: str) -> None:
        """Print each one's median, from where to where, and ratios taken run by run.

        They are to `base`, and of `ours` to its peers.
        """
        print(f"  {self.title}")
        for name, figures in self.by_name.items():
            line = f"    {name:20} {spread(figures, self.digits):32}"
            if base in self.by_name:
                line += f" {spread(self._ratios(name, base), 2)} of {base}"
            print(line.rstrip(), flush=True)
        for peer in peers:
            if {ours, peer} <= set(self.by_name):
                print(f"    {ours} / {peer}: {spread(self._ratios(ours, peer))}", flush=True)

    def _ratios(self, name: str, other: str) -> list[float]:
        pairs = zip(self.by_name[name], self.by_name[other], strict=True)
        return [one / another for one, another in pairs]


def print_table(measured: Sequence[Figures]) -> None:
    """Print all medians in Markdown, a line for each server."""
    if not measured:
        return
    print("\n| one worker | " + " | ".join(one.column for one in measured) + " |")
    print("|---" * (len(measured) + 1) + "|")
    for name in measured[0].by_name:
        cells = [f"{median(one.by_name[name]):.{one.digits}f}" for one in measured]
        print(f"| {name} | " + " | ".join(cells) + " |")
