"""Sites, Parsl configurations, the Parsl apps and everything that touches Parsl's internals."""
