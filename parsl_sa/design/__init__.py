"""Samplers: from a bundle index to the rows of a design."""
