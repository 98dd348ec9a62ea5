"""A run: the plan, the supervisor, the coordinator's driver and the progress view."""
