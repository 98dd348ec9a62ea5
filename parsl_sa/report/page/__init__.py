"""The report: one HTML page that needs nothing else, and the files beside it."""
