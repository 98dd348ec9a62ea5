"""Numbers as text: as many digits as their interval bears."""

from __future__ import annotations

import math

MISSING = "-"
MAX_INDEX_DECIMALS = 4


def decimals_for(half_width: float) -> int:
    """Return how many decimals an interval bears: two digits where its first is 1 or 2, else one.

    Examples
    --------
    >>> decimals_for(0.012), decimals_for(0.0045), decimals_for(30.0)
    (3, 3, -1)
    """
    exponent = math.floor(math.log10(half_width))
    leading = half_width / 10.0**exponent
    return -exponent + (1 if leading < 2.95 else 0)


def number(value: float, significant: int = 4) -> str:
    """Write a number to so many significant digits, in powers of ten only where it must be.

    Examples
    --------
    >>> number(0.0091234), number(1234567.0), number(-12.0), number(float("nan"))
    ('0.009123', '1.235e+06', '-12.00', '-')
    """
    if not math.isfinite(value):
        return MISSING
    if value == 0.0:
        return "0"
    exponent = math.floor(math.log10(abs(value)))
    if not -4 <= exponent < 6:
        return f"{value:.{significant - 1}e}"
    return f"{value:.{max(0, significant - 1 - exponent)}f}"


def measured(value: float, half_width: float) -> tuple[str, str]:
    """Write a value and the half-width of its interval to the same decimal.

    Parameters
    ----------
    value, half_width : float
        Either may be NaN.

    Returns
    -------
    tuple of str
        Without the ``±``.

    Examples
    --------
    >>> measured(0.0091234, 0.00002), measured(123456.0, 30.0)
    (('0.009123', '0.000020'), ('123460', '30'))
    >>> measured(2.5e9, 3e6), measured(3.5, float("nan"))
    (('2.500e+09', '3e+06'), ('3.500', '-'))
    """
    if not (math.isfinite(value) and math.isfinite(half_width) and half_width > 0.0):
        return number(value), "0" if half_width == 0.0 else MISSING
    decimals = decimals_for(half_width)
    largest = math.floor(math.log10(max(abs(value), half_width)))
    if not -4 <= largest < 6:
        return f"{value:.{max(0, largest + decimals)}e}", f"{half_width:.0e}"
    if decimals <= 0:
        return f"{no_minus_zero(round(value, decimals)):.0f}", f"{round(half_width, decimals):.0f}"
    return f"{no_minus_zero(round(value, decimals)):.{decimals}f}", f"{half_width:.{decimals}f}"


def index(value: float, half_width: float = math.nan) -> tuple[str, str]:
    """Write a Sobol' index and its half-width, to four decimals at most.

    Examples
    --------
    >>> index(0.4424, 0.012), index(-0.00001, 0.000002), index(0.31391, 0.11), index(0.25)
    (('0.442', '0.012'), ('0.0000', '<0.0001'), ('0.31', '0.11'), ('0.250', '-'))
    """
    if not math.isfinite(value):
        return MISSING, MISSING
    if not math.isfinite(half_width):
        return f"{no_minus_zero(round(value, 3)):.3f}", MISSING
    if half_width == 0.0:
        return f"{no_minus_zero(round(value, 4)):.4f}", "0"
    decimals = min(MAX_INDEX_DECIMALS, max(1, decimals_for(half_width)))
    text = f"{no_minus_zero(round(value, decimals)):.{decimals}f}"
    smallest = 10.0**-decimals
    return text, f"<{smallest:.{decimals}f}" if half_width < smallest / 2 else f"{half_width:.{decimals}f}"


def percent(share: float, half_width: float = math.nan) -> str:
    """Write a share of the variance as whole per cent, cut to what a share can be.

    Examples
    --------
    >>> percent(0.812, 0.021), percent(0.8, 0.001), percent(0.003), percent(-0.02)
    ('81 ± 2 %', '80 %', '<1 %', '0 %')
    """
    per_cent = 100.0 * min(max(share, 0.0), 1.0)
    value = "<1" if 0.0 < per_cent < 0.5 else f"{per_cent:.0f}"
    if math.isfinite(half_width) and half_width >= 0.005:
        return f"{per_cent:.0f} ± {100.0 * half_width:.0f} %"
    return f"{value} %"


def align(pairs: list[tuple[str, str]]) -> list[str]:
    """Join values and half-widths so that decimal points stand under each other.

    Examples
    --------
    >>> align([("0.442", "0.012"), ("-0.0001", "0.0003"), ("-", "-")])
    [' 0.442  ± 0.012 ', '-0.0001 ± 0.0003', ' -']
    """
    left = on_the_point([value for value, _ in pairs])
    right = on_the_point([half for _, half in pairs])
    if all(half.strip() == MISSING for half in right):
        return left
    return [
        value.rstrip() if value.strip() == MISSING else f"{value} ± {half}"
        for value, half in zip(left, right, strict=True)
    ]


def on_the_point(texts: list[str]) -> list[str]:
    """Pad numbers to one width, so that their decimal points stand under each other.

    Examples
    --------
    >>> on_the_point(["0.442", "-0.0001", "-"])
    [' 0.442 ', '-0.0001', ' -     ']
    """
    wholes = [text.partition(".")[0] for text in texts]
    before = max(map(len, wholes), default=0)
    after = max((len(text) - len(whole) for text, whole in zip(texts, wholes, strict=True)), default=0)
    return [
        whole.rjust(before) + text[len(whole) :].ljust(after)
        for text, whole in zip(texts, wholes, strict=True)
    ]


def no_minus_zero(value: float) -> float:
    """Turn -0.0 into 0.0."""
    return value + 0.0
