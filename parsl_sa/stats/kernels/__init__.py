"""Kernels of the Sobol' estimators: one file a family of sums, one function `fold` a file.

``fold(rows, kept, pivot, sums)`` adds bundles to the sums of a family.

Notes
-----
Rows are float32 or float64, shape (n_bundles, n_rows, n_cells), read-only and C-contiguous, in the
order of `Layout`: A, B, AB_1 .. AB_d [, BA_1 .. BA_d]; `kept` are the int64 indices of the bundles
that count; `pivot` is float64, shape (n_cells,), and unused where only differences count; sums are
float64, shape (k, n_cells), and changed in place.

A cell's arithmetic is its own and in bundle order: which kernel of a family runs, how many
threads, where slabs are cut and how bundles are split into batches do not reach the bits.

Four bundles pass in one loop over the cells of a block, and the rest one by one: a sum is then loaded and
stored once for four additions, which happen in order all the same. Those loops take tuples of rows, whose
length Numba knows, so one function serves four and one. More rows at once are slower: the rows of a batch lie
a power of two apart where cells are such a number, and then share few places of the cache.
"""
