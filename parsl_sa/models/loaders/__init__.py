"""The loaders: one file for each kind of file that a network comes in, one line each in the registry."""
