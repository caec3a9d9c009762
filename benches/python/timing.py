"""Rounds in which every subject takes its turn, so that ratios are of the same moment."""

from __future__ import annotations

import gc
import statistics
import time
from dataclasses import dataclass
from typing import Callable


@dataclass
class Spread:
    """Median and quartiles."""

    low: float
    middle: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        low, middle, high = statistics.quantiles(values, n=4)
        return cls(low, middle, high)

    def __format__(self, spec: str) -> str:
        return f"{self.middle:{spec}} [{self.low:{spec}}, {self.high:{spec}}]"


#: Runs some operations; how many.
Loop = Callable[[], int]


def rounds(subjects: dict[str, Loop], count: int) -> dict[str, list[float]]:
    """Nanoseconds per operation of each subject in each round."""
    times: dict[str, list[float]] = {name: [] for name in subjects}
    for loop in subjects.values():
        loop()
    gc.collect()
    gc.disable()
    try:
        for _ in range(count):
            for name, loop in subjects.items():
                start = time.perf_counter_ns()
                operations = loop()
                times[name].append((time.perf_counter_ns() - start) / operations)
    finally:
        gc.enable()
    return times


def ratio(times: dict[str, list[float]], one: str, other: str) -> Spread:
    """Formed within a round."""
    return Spread.of([a / b for a, b in zip(times[one], times[other])])
