"""Write the patches that the specs ask about: 100 faces and 100 others, from scikit-image.

``python apps/faces/prepare.py`` makes the folder ``data`` beside this file; nothing is downloaded.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

DATA = Path(__file__).parent / "data"
N_FACES = 100


def patches() -> npt.NDArray[np.float32]:
    """Return the grey patches of scikit-image, shape (200, 25, 25), in [0, 1]; faces first.

    Notes
    -----
    `skimage.data.lfw_subset` is a part of Labeled Faces in the Wild [1]_: faces as a Haar detector found
    them, and as many patches of the same photographs without one.

    References
    ----------
    .. [1] Huang, Ramesh, Berg, Learned-Miller (2007), Labeled faces in the wild, University of
       Massachusetts, Amherst, technical report 07-49.
    """
    from skimage.data import lfw_subset

    return np.asarray(lfw_subset(), np.float32)


def thirds(shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Return the side of each pixel: 0 left, 1 the fifth in the middle, 2 right."""
    fifth = np.arange(shape[1]) * 5 // shape[1]
    return np.broadcast_to(np.array([0, 0, 1, 2, 2])[fifth], shape).copy()


def main(folder: Path = DATA) -> None:
    """Write the patches, their labels, the faces with their mirror images, and the sides of a patch."""
    arrays = patches()
    labels = ["face"] * N_FACES + ["other"] * (len(arrays) - N_FACES)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "patches.npy", arrays)
    faces = arrays[:N_FACES]
    np.save(folder / "mirrored.npy", np.concatenate([faces, faces[:, :, ::-1]]))
    (folder / "labels.txt").write_text("\n".join(labels) + "\n")
    np.save(folder / "thirds.npy", thirds(arrays.shape[1:]))
    print(f"{len(arrays)} patches of {arrays.shape[1]} x {arrays.shape[2]} pixels in {folder}")


if __name__ == "__main__":
    main()
