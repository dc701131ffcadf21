"""The harbour's REST API."""
