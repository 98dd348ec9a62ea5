"""A page in headless Chromium: its console, the places of its figures at two widths, and how they look.

The page under test stands unchanged in two frames of a harness page, one as wide as a desk and one as wide
as a phone; a script of the harness opens what is folded, measures, and leaves its findings in its document.
"""

from __future__ import annotations

import html
import json
import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib import image

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

PROGRAM = "chromium"
WIDTHS = (1280, 400)
_TALLEST = 16_000  # pixels of a picture
_QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--enable-logging=stderr",
)
_HARNESS = """<!doctype html><meta charset="utf-8">
<body style="margin:0;display:flex;color-scheme:light dark">
{frames}
<pre id="found" style="display:none"></pre>
<script>
const seen = frame => {{
  const doc = frame.contentDocument, box = frame.getBoundingClientRect();
  if ({unfold}) doc.querySelectorAll("details").forEach(one => one.open = true);
  const ids = [...doc.querySelectorAll("[id]")].map(one => one.id);
  return {{
    inner: frame.contentWindow.innerWidth,
    width: doc.documentElement.scrollWidth,
    height: Math.ceil(doc.body.getBoundingClientRect().height),
    twice: ids.filter((one, place) => ids.indexOf(one) !== place),
    missing: [...doc.querySelectorAll("use, a[href^='#']")].map(one => one.getAttribute("href")
      ?? one.getAttribute("xlink:href")).filter(one => !doc.getElementById(decodeURIComponent(one.slice(1)))),
    loaded: frame.contentWindow.performance.getEntriesByType("resource").map(one => one.name),
    figures: [...doc.querySelectorAll("svg.plot, svg.drawn")].map(one => {{
      const place = one.getBoundingClientRect();
      return {{ kind: one.classList[0], shown: one.checkVisibility(), label: one.getAttribute("aria-label"),
        left: box.left + place.left, top: place.top, width: place.width, height: place.height }};
    }}),
  }};
}};
addEventListener("load", () => {{
  const frames = [...document.querySelectorAll("iframe")];
  document.getElementById("found").textContent = JSON.stringify(frames.map(seen));
}});
</script>
"""


@dataclass(frozen=True)
class Seen:
    """What was found.

    Parameters
    ----------
    console : list of str
        Errors and warnings.
    frames : list of dict
        Of each width: size of the page, its figures, what it loaded.
    pixels : ndarray of float32, shape (height, width, 3)
        Both frames side by side.
    """

    console: list[str]
    frames: list[dict[str, Any]]
    pixels: npt.NDArray[np.float32]


def look(page: Path, work: Path, *, dark: bool = False, unfold: bool = True) -> Seen:
    """Open a page in frames of `WIDTHS`, once to measure it and once more to take its picture.

    Parameters
    ----------
    page, work : Path
        The page, and a folder for what this makes.
    dark : bool
        Whether the reader prefers dark pages.
    unfold : bool
        Whether everything that is folded is opened first.
    """
    harness, picture = work / "harness.html", work / "picture.png"
    options = ["--force-dark-mode"] if dark else []
    harness.write_text(_harness(page, 2000, unfold), encoding="utf-8")
    dom, console = run(harness, work, "--dump-dom", *options)
    found = re.search(r'<pre id="found"[^>]*>(.*?)</pre>', dom, re.DOTALL)
    assert found is not None, dom[-2000:]
    frames = json.loads(html.unescape(found[1]))
    height = max(frame["height"] for frame in frames)
    assert height < _TALLEST, "too long a page for one picture"
    harness.write_text(_harness(page, height, unfold), encoding="utf-8")
    run(harness, work, f"--screenshot={picture}", f"--window-size={sum(WIDTHS)},{height}", *options)
    return Seen(console, frames, image.imread(picture)[..., :3])


def _harness(page: Path, height: int, unfold: bool) -> str:
    frame = '<iframe srcdoc="{page}" style="border:0;flex:none;width:{width}px;height:{height}px"></iframe>'
    source = html.escape(page.read_text(encoding="utf-8"))
    frames = "\n".join(frame.format(page=source, width=width, height=height) for width in WIDTHS)
    return _HARNESS.format(frames=frames, unfold=json.dumps(unfold))


def run(page: Path, work: Path, *options: str) -> tuple[str, list[str]]:
    """Open a page once; return what was printed and the lines of its console."""
    command = [PROGRAM, *_QUIET, f"--user-data-dir={work / 'profile'}", *options, page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]
