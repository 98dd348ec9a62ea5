"""The study directory: where each file is, the journal, the event log, the lock."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from parsl_sa.errors import Fault, SpecError, StudyError
from parsl_sa.jsonfile import append_record
from parsl_sa.locks import holding, is_held
from parsl_sa.records import Plan

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import numpy as np
    import numpy.typing as npt


SUPERVISOR, COORDINATOR = "supervisor.lock", "lock"
_FOREIGN = "if another version of parsl-sa froze it, use that one"
_BEYOND_REPAIR = "restore it from a copy, or launch the study anew in another directory"


@dataclass(frozen=True)
class StudyDir:
    """Paths of one study.

    Parameters
    ----------
    root : Path
        The directory.
    """

    root: Path

    @property
    def spec(self) -> Path:
        """The frozen spec, defaults resolved, paths absolute."""
        return self.root / "spec.json"

    @property
    def plan(self) -> Path:
        """The frozen plan."""
        return self.root / "plan.json"

    @property
    def pivots(self) -> Path:
        """Shift of every cell; its digest is in the plan."""
        return self.root / "pivots.npy"

    @property
    def weights(self) -> Path:
        """Weight of every cell in aggregated indices; there where an output has weights."""
        return self.root / "weights.npy"

    @property
    def cases(self) -> Path:
        """Label and predicted class of every base input; there where they are known."""
        return self.root / "cases.json"

    @property
    def pictures(self) -> Path:
        """The first base inputs as they look; there where they are images."""
        return self.root / "pictures.npy"

    @property
    def journal(self) -> Path:
        """What later work depends on."""
        return self.root / "journal.jsonl"

    @property
    def events(self) -> Path:
        """One dated record an event."""
        return self.root / "events.jsonl"

    @property
    def status(self) -> Path:
        """The newest figures of a run."""
        return self.root / "status.json"

    @property
    def jobs(self) -> Path:
        """Processes and batch jobs to clean up after a crash."""
        return self.root / "jobs.json"

    @property
    def keys(self) -> Path:
        """CURVE keys of this study."""
        return self.root / "keys"

    @property
    def logs(self) -> Path:
        """Logs of all programs."""
        return self.root / "logs"

    @property
    def results(self) -> Path:
        """The results store."""
        return self.root / "results.zarr"

    @property
    def report(self) -> Path:
        """Figures."""
        return self.root / "report"

    def checkpoints(self, shard: int) -> Path:
        """Directory of a shard's checkpoints."""
        return self.root / "checkpoints" / f"shard-{shard}"

    @property
    def runs(self) -> Path:
        """Short-lived files of all coordinator lives."""
        return self.root / "run"

    def run(self, epoch: int) -> Path:
        """Short-lived files of one coordinator life."""
        return self.runs / str(epoch)

    def exists(self) -> bool:
        """Tell whether a study is there."""
        return self.spec.is_file() and self.journal.is_file()

    def require_free(self) -> None:
        """Make sure that a study can be made here; nothing is written.

        Raises
        ------
        SpecError
            If the place is taken or cannot be written.
        """
        above = next(path for path in (self.root, *self.root.parents) if path.exists())
        if not above.is_dir():
            what = "" if above == self.root else f"{above} "
            text = f"{what}is a file, not a directory; choose another directory (--dir)"
        elif self.exists():
            text = f"holds a study already; go on (parsl-sa resume {self.root}) or choose another --dir"
        elif above == self.root and any(above.iterdir()):
            text = "is not empty and holds no study; choose another directory (--dir)"
        else:
            text = _unwritable(above)
        if text:
            raise SpecError([Fault(str(self.root), text)])

    def create(self) -> None:
        """Make the directory and its journal with a new study identifier.

        Raises
        ------
        SpecError
            If the place is taken or cannot be written.
        """
        self.require_free()
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            self.logs.mkdir()
        except OSError as error:
            raise SpecError([Fault(str(self.root), f"cannot be written: {error.strerror}")]) from error
        created = datetime.now(UTC).isoformat(timespec="seconds")
        append_record(
            self.journal, {"record": "study", "id": uuid.uuid4().hex, "created": created}, durable=True
        )

    def read_journal(self, repair: bool = False) -> list[dict[str, Any]]:
        """Return the journal's records, without a torn last line, which is the mark of a crash.

        Parameters
        ----------
        repair : bool
            Whether to cut a torn line off in the file. Only for the holder of the lock: what looks torn to
            anybody else may be a line that is being written.

        Raises
        ------
        StudyError
            If there is no journal or a line other than the last is damaged.
        """
        if not self.journal.is_file():
            raise StudyError(f"{self.root}: no study here (journal.jsonl is missing)")
        raw = self.journal.read_bytes()
        whole = raw[: raw.rfind(b"\n") + 1]
        if repair and len(whole) != len(raw):
            with self.journal.open("r+b") as stream:
                stream.truncate(len(whole))
        records: list[dict[str, Any]] = []
        try:
            records.extend(json.loads(line) for line in whole.splitlines())  # up to the damaged one
        except ValueError as error:
            where = f"{self.journal}, line {len(records) + 1}"
            raise StudyError(f"{where}: damaged ({error}); {_BEYOND_REPAIR}") from error
        return records

    def study_id(self) -> str:
        """Return the identifier drawn when the directory was made."""
        try:
            return str(self.read_journal()[0]["id"])
        except (IndexError, KeyError, TypeError):
            raise StudyError(f"{self.journal}: damaged: no study record; {_BEYOND_REPAIR}") from None

    def read_plan(self) -> Plan:
        """Return the frozen plan; see the function `read_plan`."""
        return read_plan(self.plan)

    def read_pivots(self) -> npt.NDArray[np.float64]:
        """Return the shift of every cell.

        Raises
        ------
        StudyError
            If the file is not the one the plan was frozen with.
        """
        return _read_frozen(self.pivots, self.read_plan().pivots_digest)

    def read_weights(self) -> npt.NDArray[np.float64] | None:
        """Return the weight of every cell in aggregated indices, None where all are 1; see `read_pivots`."""
        digest = self.read_plan().weights_digest
        return _read_frozen(self.weights, digest) if digest else None

    @property
    def truth(self) -> Path:
        """Exact answers beside the model, for test functions; usually not there."""
        try:
            return Path(json.loads(self.spec.read_text())["model"]["path"]).parent / "truth.json"
        except (ValueError, TypeError, KeyError):  # of another version, or damaged: whoever runs it will say
            return self.root / "truth.json"

    def read_status(self) -> dict[str, Any]:
        """Return the newest status, empty if there is none yet."""
        return _read_or_empty(self.status)

    def read_jobs(self) -> dict[str, Any]:
        """Return what is recorded for cleaning up, empty if there is nothing."""
        return _read_or_empty(self.jobs)

    def lock(self, name: str = COORDINATOR) -> AbstractContextManager[bool]:
        """Hold the directory for one coordinator, or one supervisor; yields whether it was free."""
        return holding(self.root / name)

    def is_run(self) -> bool | None:
        """Tell whether a supervisor, an inline run or a coordinator is at work; None if nobody can tell."""
        held = [is_held(self.root / name) for name in (SUPERVISOR, COORDINATOR)]
        return True if True in held else None if None in held else False


def _read_or_empty(path: Path) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return loaded


def _read_frozen(path: Path, digest: str) -> npt.NDArray[np.float64]:
    import numpy as np  # noqa: PLC0415 - commands that only look at a study do not need it

    from parsl_sa.arrays import checksum  # noqa: PLC0415 - see above

    try:
        array: npt.NDArray[np.float64] = np.load(path)
    except (OSError, ValueError, EOFError) as error:
        what = "is missing" if isinstance(error, FileNotFoundError) else "damaged, not an array of NumPy's"
        raise StudyError(f"{path}: {what}; {_BEYOND_REPAIR}") from error
    if checksum(array) != digest:
        raise StudyError(f"{path}: is not the file that the plan was frozen with; {_BEYOND_REPAIR}")
    return array


def _unwritable(directory: Path) -> str:
    """Tell why nothing can be made in a directory, empty if something can."""
    try:
        with TemporaryFile(dir=directory):
            return ""
    except OSError as error:
        return f"cannot be made: {error.strerror} in {directory}; choose another directory (--dir)"


def read_plan(path: Path) -> Plan:
    """Read a plan file.

    Raises
    ------
    StudyError
        If it is missing or damaged.
    """
    try:
        return Plan.from_json(json.loads(path.read_text()))
    except FileNotFoundError:
        raise StudyError(f"{path}: no plan here; the study did not get as far as its probe") from None
    except (ValueError, TypeError, KeyError) as error:
        cure = _BEYOND_REPAIR if isinstance(error, json.JSONDecodeError) else _FOREIGN
        raise StudyError(f"{path}: damaged plan: {error}; {cure}") from error
