"""Message transport: validated headers plus raw array bytes."""
