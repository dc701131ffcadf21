"""Meetings in the profile."""
