"""Sobol' attribution maps by Xplique, in an environment of its own: TensorFlow does not go with the rest.

`PYTHON benchmarks/peers_xplique.py NETWORK.npz [--designs N ...] [--grid SIDE] [--repeats R] [--threads T]`

PYTHON is that of an environment with Xplique 2 and TensorFlow for CPUs:

    python -m venv xplique && xplique/bin/pip install --no-deps xplique tensorflow-probability tf-keras
    xplique/bin/pip install tensorflow-cpu deprecated einops opencv-python-headless matplotlib scikit-image \
        scikit-learn scipy decorator cloudpickle gast dm-tree

NETWORK.npz is written by `benchmarks/explain.py`, which also runs this: the weights of its network, the
images, the target. Prints one JSON object: versions and, of every design, forwards, seconds of one map (the
best of the repeats, after one that compiles) and the maps of all images before they are made smooth.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from importlib import metadata
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_USE_LEGACY_KERAS", "0")

import keras
import numpy as np
import tensorflow as tf
from xplique.attributions import SobolAttributionMethod
from xplique.attributions.global_sensitivity_analysis import JansenEstimator


class Kept(JansenEstimator):  # type: ignore[misc] - of an environment that mypy does not see
    """Jansen's estimator, Xplique's default, that keeps the indices of the grid."""

    grid: Any = None

    def __call__(self, masks: Any, outputs: Any, nb_design: int) -> Any:
        """Return the total indices of the masks, and keep them."""
        self.grid = super().__call__(masks, outputs, nb_design)
        return self.grid


def network(weights: Any) -> keras.Model:
    """Build the network of `models/cnn.py`, which has channels first, with channels last."""
    kernels = sorted(key for key in weights if key.startswith("conv") and key.endswith("weight"))
    side, channels = weights["images"].shape[2], weights["images"].shape[1]
    x = inputs = keras.Input((side, side, channels))
    for key in kernels:
        kernel, bias = weights[key].transpose(2, 3, 1, 0), weights[key.replace("weight", "bias")]
        layer = keras.layers.Conv2D(kernel.shape[3], kernel.shape[0], padding="same", activation="relu")
        x = layer(x)
        layer.set_weights([kernel, bias])
        x = keras.layers.MaxPooling2D()(x)
    head = keras.layers.Dense(weights["head.weight"].shape[0])
    x = head(keras.layers.GlobalAveragePooling2D()(x))
    head.set_weights([weights["head.weight"].T, weights["head.bias"]])
    return keras.Model(inputs, x)


def maps(model: keras.Model, images: Any, target: Any, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Time the maps of every design."""
    told = []
    for design in options.designs:
        kept = Kept()
        explainer = SobolAttributionMethod(
            model, grid_size=options.grid, nb_design=design, estimator=kept, batch_size=256
        )
        found, seconds = [], []
        for image in (images[0], *images):  # the first one compiles
            for _ in range(options.repeats):
                began_at = time.perf_counter()
                explainer(image[None], target[None])
                seconds.append(time.perf_counter() - began_at)
            found.append(np.asarray(kept.grid).reshape(options.grid, options.grid).tolist())
        told.append({
            "n": design,
            "forwards": len(explainer.masks),
            "seconds": min(seconds[options.repeats :]),
            "maps": found[1:],
        })  # fmt: skip
    return told


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("network")
    parser.add_argument("--designs", type=int, nargs="+", default=[32, 64, 128])
    parser.add_argument("--grid", type=int, default=6)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    with np.load(options.network) as weights:
        model = network(dict(weights))
        images = weights["images"].transpose(0, 2, 3, 1)
        logits = np.asarray(model(images))
        target = np.eye(logits.shape[1], dtype=np.float32)[int(weights["target"])]
    told = {
        "versions": {name: metadata.version(name) for name in ("xplique", "tensorflow_cpu")},
        "logits": logits.tolist(),
        "designs": maps(model, images, target, options),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
