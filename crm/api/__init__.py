"""The API of activities."""
