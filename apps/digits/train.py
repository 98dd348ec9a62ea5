"""Train the network of this use case on scikit-learn's digits, and write the images that it never saw.

``python apps/digits/train.py`` takes a few seconds and makes three files beside it: ``weights.pt``,
``held_out.npy`` and ``labels.txt``. They are part of the repository, because the last bits of a training
depend on the processor, and with them which images are wrong: the numbers of the README are of these
weights.
"""

from __future__ import annotations

from pathlib import Path
from runpy import run_path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

if TYPE_CHECKING:
    import numpy.typing as npt

HERE = Path(__file__).parent
N_TRAIN = 898
INK = 16
"""The largest value of a pixel."""


def digits() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Return the 1797 images, shape (1797, 8, 8) of 0 to 16, and what they show."""
    from sklearn.datasets import load_digits

    found = load_digits()
    return found.images.astype(np.uint8), found.target.astype(np.int64)


def network() -> nn.Module:
    """Return the untrained network of `model.py`."""
    net: nn.Module = run_path(str(HERE / "model.py"))["Net"]()
    return net


def tensor(images: npt.NDArray[np.uint8]) -> torch.Tensor:
    """Return images as the network takes them, shape (n, 1, 8, 8) of 0 to 1."""
    return torch.as_tensor(images, dtype=torch.float32)[:, None] / INK


def train(
    images: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64], epochs: int = 40, seed: int = 0
) -> nn.Module:
    """Fit the network by cross-entropy with Adam.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, 8, 8)
        Ink of 0 to 16.
    labels : ndarray of int64, shape (n,)
        The digits.
    epochs : int
        Passes over the images.
    seed : int
        Of the first weights and of the order of the images.

    Returns
    -------
    torch.nn.Module
        In eval mode.
    """
    torch.manual_seed(seed)
    net, inputs, targets = network(), tensor(images), torch.as_tensor(labels)
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3, weight_decay=1e-4)
    for _ in range(epochs):
        for picked in torch.randperm(len(inputs)).split(64):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(inputs[picked]), targets[picked]).backward()
            optimizer.step()
    return net.eval()


def predict(net: nn.Module, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Return the digit that the network reads in each image, shape (n,)."""
    with torch.no_grad():
        read: npt.NDArray[np.int64] = net(tensor(images)).argmax(1).numpy()
    return read


def main(folder: Path = HERE, epochs: int = 40) -> None:
    """Train on the first half, and write weights and the second half into a folder, wrong ones first.

    Notes
    -----
    The halves are not shuffled: digits of one writer stand together, so the second half is mostly by
    writers that the network did not learn from.
    """
    images, labels = digits()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums over threads have no fixed order, and so small a network gains nothing
    net = train(images[:N_TRAIN], labels[:N_TRAIN], epochs)
    torch.set_num_threads(threads)
    held_out, right_answers = images[N_TRAIN:], labels[N_TRAIN:]
    right = predict(net, held_out) == right_answers
    order = np.argsort(right, kind="stable")
    torch.save(net.state_dict(), folder / "weights.pt")
    np.save(folder / "held_out.npy", held_out[order])
    (folder / "labels.txt").write_text("".join(f"{label}\n" for label in right_answers[order]))
    print(f"{right.sum()} of {len(right)} held-out images are read right; the {(~right).sum()} others first")


if __name__ == "__main__":
    main()
