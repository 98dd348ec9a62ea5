"""Estimators of Sobol' indices: which sums over bundles, and which functions of them."""
