"""The harbour in Django admin."""
