"""What the user wrote: pydantic models of a spec, free of heavy imports."""
