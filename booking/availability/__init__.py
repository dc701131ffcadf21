"""When a calendar is free."""
