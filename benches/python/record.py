"""The dated page, and a chart of its first table."""

from __future__ import annotations

import datetime
import math
import os
import platform
import re
import sys
from importlib import metadata
from pathlib import Path

from timing import Spread, ratio

PACKAGES = ("diskcache", "django", "lmdb", "numpy", "pylibmc", "pymemcache", "redis", "UltraDict")


class Page:
    """Tables and goals of one run."""

    def __init__(self, rounds: int) -> None:
        self._rounds = rounds
        self.tables: list[tuple[str, str, dict[str, list[float]]]] = []
        self._goals: list[str] = []

    def table(self, title: str, times: dict[str, list[float]], first: str) -> None:
        self.tables.append((title, first, times))

    def goal(self, what: str, measured: Spread, sense: str, bound: float) -> None:
        met = measured.middle <= bound if sense == "≤" else measured.middle >= bound
        self._goals.append(f"| {what} | {measured:.3f} | {sense} {bound:.3g} | {'met' if met else 'missed'} |")

    def text(self) -> str:
        lines = [f"# Python, {datetime.date.today()}", "", *(f"* {fact}" for fact in facts()), ""]
        lines += [
            f"Medians over {self._rounds} rounds with their quartiles (a third as many for 100 keys); every subject takes its "
            "turn in every round, and ratios are formed within a round. The loop over the keys is part of every figure.",
            "",
            "| goal | measured | bound | |",
            "|---|---|---|---|",
            *self._goals,
        ]
        for title, first, times in self.tables:
            lines += ["", f"## {title}", "", f"| subject | ns per operation | {first} / subject |", "|---|---|---|"]
            for name, values in sorted(times.items(), key=lambda item: Spread.of(item[1]).middle):
                spread = f"{ratio(times, first, name):.3g}" if name != first else "1"
                lines.append(f"| {name} | {Spread.of(values):.1f} | {spread} |")
        return "\n".join(lines) + "\n"


def facts() -> list[str]:
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    versions = [f"{package} {metadata.version(package)}" for package in PACKAGES if has(package)]
    return [
        f"CPU: {cpu[1] if cpu else 'unknown'}, {platform.machine()}, {os.cpu_count()} CPUs",
        f"System: {platform.system()}, {platform.release()}",
        f"Python: {platform.python_implementation()} {platform.python_version()}; {', '.join(versions)}",
        f"Load at the end: {' '.join(f'{load:.2f}' for load in os.getloadavg())}",
        f"Command: `python {' '.join(sys.argv)}`",
    ]


def has(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def chart(page: Page) -> str:
    """Bars on a logarithmic scale, as SVG."""
    title, first, times = page.tables[0]
    bars = sorted(((Spread.of(values).middle, name) for name, values in times.items()))
    left, width, height = 190, 420, 22
    least = 10 ** math.floor(math.log10(bars[0][0]))
    scale = width / math.log10(bars[-1][0] / least)
    rows = []
    for index, (time, name) in enumerate(bars):
        y = 40 + index * height
        length = math.log10(time / least) * scale
        colour = "#c2410c" if name == first else "#64748b"
        rows.append(
            f'<text x="{left - 8}" y="{y + 13}" text-anchor="end">{name}</text>'
            f'<rect x="{left}" y="{y}" width="{length:.1f}" height="{height - 6}" fill="{colour}"/>'
            f'<text x="{left + length + 6:.1f}" y="{y + 13}">{human(time)}</text>'
        )
    total = 50 + len(bars) * height
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 90}" height="{total}" '
        'font-family="sans-serif" font-size="12" fill="#334155">'
        '<rect width="100%" height="100%" fill="#ffffff"/>'
        f'<text x="{left}" y="22" font-weight="bold">{title}: time per call, logarithmic</text>{"".join(rows)}</svg>\n'
    )


def human(time: float) -> str:
    return f"{time:.0f} ns" if time < 1000 else f"{time / 1000:.3g} µs"
