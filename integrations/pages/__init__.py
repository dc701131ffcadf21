"""Calendars and sync history in the profile."""
