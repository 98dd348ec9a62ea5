"""Trained networks: loaders, guards, quantities of interest."""
