"""The lines of every measurement, and the printed table."""

from collections.abc import Sequence
from statistics import median, quantiles

from msgspec import Struct


class Row(Struct, frozen=True):
    """One line. `value` is a median, or None with the reason in `note`.

    `spread`: the interquartile range of the samples over their median. `ratio`: this line over another, which
    `against` names. `note`: other observations.
    """

    what: str
    subject: str
    value: float | None
    unit: str = ""
    spread: float | None = None
    ratio: float | None = None
    against: str = ""
    note: str = ""


def absent(what: str, subject: str, why: str) -> Row:
    """A line for what cannot be measured on this machine."""
    return Row(what, subject, None, note=why)


def row(what: str, subject: str, samples: Sequence[float], unit: str, note: str = "") -> Row:
    return Row(what, subject, median(samples), unit, spread(samples), note=note)


def spread(samples: Sequence[float]) -> float | None:
    if len(samples) < 2:
        return None
    low, middle, high = quantiles(samples, n=4, method="inclusive")
    return (high - low) / middle if middle else None


def render(rows: Sequence[Row]) -> str:
    lines = [f"{'what':34} {'subject':22} {'median':>10} {'unit':10} {'spread':>6} {'ratio':>6} against / note"]
    return "\n".join([*lines, *(_line(one) for one in rows)])


def _line(one: Row) -> str:
    value = "-" if one.value is None else f"{one.value:,.{0 if one.value >= 100 else 1}f}"
    width = "" if one.spread is None else f"{one.spread:.0%}"
    ratio = "" if one.ratio is None else f"{one.ratio:.2f}"
    remark = "; ".join(part for part in (one.against, one.note) if part)
    return f"{one.what:34} {one.subject:22} {value:>10} {one.unit:10} {width:>6} {ratio:>6} {remark}".rstrip()
