"""The pure state machines: coordinator, client session, reducer shard."""
