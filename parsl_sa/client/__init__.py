"""The MPI program that evaluates the model: `python -m parsl_sa.client`."""
