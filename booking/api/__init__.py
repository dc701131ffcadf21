"""The shop's REST API."""
