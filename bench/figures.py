"""What the benches share: CPU seconds of a process, quantiles, a table, and the file the figures go to."""

import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent.parent / "bench-results"
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
CALIBRATION_ROUNDS = 2_000_000
VOID_ABOVE = 0.20
"""A run says little when the machine's own speed changed by more than this while it lasted."""


def cpu_seconds(process_id: int) -> float:
    """Return user and system time of a process and all its threads so far."""
    fields = Path(f"/proc/{process_id}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def memory_mib(process_id: int) -> float:
    """Return the resident memory of a process."""
    pages = int(Path(f"/proc/{process_id}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def calibration_seconds() -> float:
    """Return the CPU time that a fixed loop takes, as the machine's speed at this moment."""
    begin = time.process_time()
    total = 0
    for number in range(CALIBRATION_ROUNDS):
        total += number & 7
    return time.process_time() - begin


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` of the values do not exceed; 0.0 without values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows of equal keys as an aligned table."""
    columns = list(rows[0])
    cells = [columns, *([_cell(row[column]) for column in columns] for row in rows)]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    return "\n".join(
        "  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True))
        for line in cells
    )


def write_results(name: str, figures: Mapping[str, Any]) -> Path:
    """Write figures to `bench-results/<name>.json` and return the path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return path


def _cell(value: Any) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)
