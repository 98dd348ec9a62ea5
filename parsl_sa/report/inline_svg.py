"""A figure as SVG that stands inside a page: in its colours, in its font, with identifiers of its own."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import matplotlib as mpl

from parsl_sa.report.colours import themed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SVG = "http://www.w3.org/2000/svg"
LINK = "{http://www.w3.org/1999/xlink}href"
UNSEEN = {f"{{{SVG}}}metadata", f"{{{SVG}}}style"}


def inline(figure: Figure, key: str, words: str) -> str:
    """Write a figure as an ``<svg>`` element for the middle of an HTML page.

    Parameters
    ----------
    figure : Figure
        Its background is left out.
    key : str
        Prefix of identifiers, another for every figure of a page.
    words : str
        What the picture shows, for who cannot see it.

    Returns
    -------
    str
        Colours are CSS variables, text is text in the page's font, nothing is referred to outside.
    """
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": key}):
        stream = io.StringIO()
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    written = stream.getvalue()
    used = set(re.findall(r"(?:url\(|href=\")#([^)\"]+)", written))
    root = ET.fromstring(written)  # noqa: S314 - matplotlib wrote it just now
    for element in root.iter():
        for child in [child for child in element if child.tag in UNSEEN]:
            element.remove(child)
        _adapt(element, key, used)
    _head(root, words)
    ET.register_namespace("", SVG)
    ET.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    return re.sub(r"\s*\n\s*", " ", ET.tostring(root, encoding="unicode"))


def _head(root: ET.Element, words: str) -> None:
    width = root.attrib.pop("width")
    for name in ("height", "version"):
        root.attrib.pop(name, None)
    root.attrib.update({"class": "plot", "role": "img", "aria-label": words, "data-width": width})


def _adapt(element: ET.Element, key: str, used: set[str]) -> None:
    name = element.attrib.pop("id", None)
    if name in used:
        element.set("id", f"{key}-{name}")
    for attribute, value in element.attrib.items():
        if attribute == LINK and value.startswith("#"):
            element.set(attribute, f"#{key}-{value[1:]}")
        elif "url(#" in value:
            element.set(attribute, themed(value.replace("url(#", f"url(#{key}-")))
        elif attribute in {"style", "fill", "stroke"}:
            element.set(attribute, themed(re.sub(r"font-family: [^;]*;? ?", "", value)))
        elif attribute == "d":  # a hundredth of a point is enough
            element.set(attribute, re.sub(r"(\.\d\d)\d+", r"\1", value))
    if element.attrib.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]
