"""Conservative transport."""
