"""A data loader: images are decoded once, by whichever worker comes first, and then read in place by all.

The shape of ``torch.utils.data``'s loaders, without needing it: worker processes map a dataset, by spawn or by fork. With PyTorch,
``torch.from_numpy(cache.get_array(key, copy=True))`` is a tensor of one's own.
"""

from __future__ import annotations

import multiprocessing
import os
import sys

import hostcache

try:
    import numpy as np
except ImportError:
    print("skipped: numpy is not installed (pip install numpy)")
    sys.exit(0)

NAME = f"data-loader-{os.getpid()}"
IMAGES, EPOCHS = 24, 3


class Dataset:
    """Sixteen-bit images of 256 × 256 pixels."""

    def __init__(self, cache: hostcache.Cache) -> None:
        # Handed to the workers with the dataset: inherited by fork, attached anew after spawn.
        self.cache = cache

    def __len__(self) -> int:
        return IMAGES

    def decode(self, index: int) -> np.ndarray:
        """What takes long in reality."""
        self.cache.incr("decoded", initial=1)
        return np.random.default_rng(index).integers(0, 1000, (256, 256), dtype=np.uint16)

    def __getitem__(self, index: int) -> np.ndarray:
        key = f"image:{index}"
        image = self.cache.get_array(key)
        if image is None:
            image = self.decode(index)
            self.cache.set_array(key, image)
        return image


def batch_mean(argument: tuple[Dataset, list[int]]) -> float:
    dataset, indices = argument
    # Not one byte of an image is copied for this.
    return float(np.mean([dataset[index].mean() for index in indices]))


def main() -> None:
    cache = hostcache.Cache(NAME, capacity="64MiB")
    dataset = Dataset(cache)
    batches = [list(range(start, start + 4)) for start in range(0, IMAGES, 4)]
    for method in ("fork", "spawn"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            for _ in range(EPOCHS):
                means = pool.map(batch_mean, [(dataset, batch) for batch in batches])
                assert all(490 < mean < 510 for mean in means)
            pool.close()
            pool.join()
    decoded = cache["decoded"]
    print(f"{IMAGES} images, {2 * EPOCHS} epochs, 2 kinds of workers: {decoded} decoded")
    assert IMAGES <= decoded <= 2 * IMAGES and cache.stats()["pins"] == 0


if __name__ == "__main__":
    try:
        main()
    finally:
        hostcache.Cache.destroy(NAME)
    print("ok")
