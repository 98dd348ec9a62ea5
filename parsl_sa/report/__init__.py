"""Tables and figures of a finished study; reads results only."""
