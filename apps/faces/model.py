"""RNet, the second stage of the face detector MTCNN, in torch: a patch of 24 x 24 pixels to "face" or not.

The weights are those that the PyPI package `facenet-pytorch` ships; its code is not imported, because that
pulls in torchvision. The forward pass follows facenet-pytorch 2.6.0 (MIT licence, T. Esler,
https://github.com/timesler/facenet-pytorch), which converted the weights of MTCNN's authors [1]_.

References
----------
.. [1] Zhang, Zhang, Li, Qiao (2016), Joint face detection and alignment using multitask cascaded
   convolutional networks, IEEE Signal Processing Letters 23, fig. 2. doi:10.1109/LSP.2016.2603342
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch
from torch import nn

CLASSES = ("other", "face")


def load() -> nn.Module:
    """Build the network with its trained weights.

    Returns
    -------
    torch.nn.Module
        Float32; takes a batch of grey patches, see `RNet.forward`.
    """
    package = find_spec("facenet_pytorch")
    if package is None or package.origin is None:
        raise ModuleNotFoundError(
            "the weights come with facenet-pytorch: pip install facenet-pytorch==2.6.0 --no-deps"
        )
    path = Path(package.origin).parent / "data" / "rnet.pt"
    net = RNet()
    net.load_state_dict(torch.load(path, weights_only=True))
    net.files = (path,)
    return net.eval()


class RNet(nn.Module):
    """Three convolutions and two dense layers; names of layers are those of the weights."""

    files: tuple[Path, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 28, 3)
        self.prelu1 = nn.PReLU(28)
        self.conv2 = nn.Conv2d(28, 48, 3)
        self.prelu2 = nn.PReLU(48)
        self.conv3 = nn.Conv2d(48, 64, 2)
        self.prelu3 = nn.PReLU(64)
        self.dense4 = nn.Linear(576, 128)
        self.prelu4 = nn.PReLU(128)
        self.dense5_1 = nn.Linear(128, 2)
        self.dense5_2 = nn.Linear(128, 4)  # where the face is within the patch; not asked about here
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        """Return the logits of `CLASSES`.

        Parameters
        ----------
        patches : tensor, shape (batch, 1, 24, 24)
            Grey values g of 0 to 255 as (g - 127.5) / 128.

        Returns
        -------
        tensor, shape (batch, 2)
            Before the softmax, which the package's own code applies: log-odds of a probability that
            rounds to 1 would be infinite.
        """
        x = patches.expand(-1, 3, -1, -1)
        x = self.pool(self.prelu1(self.conv1(x)))
        x = self.pool(self.prelu2(self.conv2(x)))
        x = self.prelu3(self.conv3(x))
        # The weights are from MATLAB's Caffe, which counts columns before rows.
        x = x.permute(0, 3, 2, 1).flatten(1)
        logits: torch.Tensor = self.dense5_1(self.prelu4(self.dense4(x)))
        return logits
