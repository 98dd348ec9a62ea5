"""One-pass, mergeable statistics: Numba kernels and their accumulators."""
