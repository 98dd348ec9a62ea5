"""The CURVE keys of one study: made once, readable by its owner alone."""

from __future__ import annotations

import secrets
import shutil
from typing import TYPE_CHECKING

import zmq.auth

from parsl_sa.errors import StudyError

if TYPE_CHECKING:
    from pathlib import Path

_CERTIFICATES = "certificates"
_FILES = ("server.key", "server.key_secret", "client.key", "client.key_secret")


def make_keys(study_keys_dir: Path) -> Path:
    """Make the key pairs of a study, unless it has them.

    Parameters
    ----------
    study_keys_dir : Path
        The ``keys`` directory of the study; gets mode 0700.

    Returns
    -------
    Path
        The directory of certificates, mode 0700 with files of mode 0600: what `CurveChannel` and
        Parsl's contexts take.

    Raises
    ------
    StudyError
        If there is a directory of certificates that lacks some.

    Notes
    -----
    Keys that exist stay, or the clients that outlived a coordinator could not speak with the next one.
    They are made aside and appear by one rename, so two that make them at once agree and a
    process that is killed leaves no half.
    """
    certificates = study_keys_dir / _CERTIFICATES
    study_keys_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    study_keys_dir.chmod(0o700)
    if not certificates.exists():
        aside = study_keys_dir / f"{_CERTIFICATES}.{secrets.token_hex(4)}.partial"
        aside.mkdir(mode=0o700)
        for role in ("server", "client"):
            zmq.auth.create_certificates(aside, role)
        for name in _FILES:
            (aside / name).chmod(0o600)
        try:
            aside.rename(certificates)
        except OSError:
            shutil.rmtree(aside)
            if not certificates.exists():
                raise
    check_keys(certificates)
    return certificates


def check_keys(certificates: Path) -> None:
    """Pass for a directory that has the keys of a study.

    Raises
    ------
    StudyError
        If one is missing; the message says which.
    """
    for name in _FILES:
        if not (certificates / name).is_file():
            raise StudyError(
                f"{certificates}: expected the key file {name}; remove the directory to have new keys made"
            )
