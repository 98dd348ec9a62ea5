"""parsl-sa: sensitivity analysis of trained neural networks on laptops and supercomputers."""

__version__ = "0.1.0"
