"""The shop in Django admin."""
