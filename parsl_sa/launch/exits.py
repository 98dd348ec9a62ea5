"""Exit statuses of a run, by how it ended."""

from __future__ import annotations

EXIT_CODES = {"complete": 0, "budget": 3, "failed": 4, "interrupted": 130}
