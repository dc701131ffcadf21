"""The demo: a small salon with a CalDAV server on one machine."""
