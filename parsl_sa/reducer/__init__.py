"""The shell of a reducer shard: receive, fold, checkpoint, harvest."""
