"""How calendars are synced: intervals and patience (seconds), and which private servers may be reached."""

from __future__ import annotations

from config.settings import environment as env

__all__ = [
    "GOOGLE_API_ROOT",
    "GOOGLE_OAUTH_ROOT",
    "GRAPH_ROOT",
    "KALENDS_CA_FILE",
    "KALENDS_PRIVATE_HOSTS",
    "LEASE_SECONDS",
    "MOVE_GRACE_SECONDS",
    "POLL_SECONDS",
    "QUIET_SECONDS",
    "RETRY_SECONDS",
    "SWEEP_SECONDS",
]

# How often a calendar is read where the other side does not push.
POLL_SECONDS = env.number("POLL_SECONDS", 5 if env.DEMO else 300, least=1)
# How often lost work is looked for: the schedule's first value, afterwards edited in the admin.
SWEEP_SECONDS = env.number("SWEEP_SECONDS", 5 if env.DEMO else 60, least=1)
# How long a calendar must be still before a customer is mailed about a move made there.
QUIET_SECONDS = env.number("QUIET_SECONDS", 10 if env.DEMO else 120)
# First pause after a failed call, doubled each time.
RETRY_SECONDS = env.number("RETRY_SECONDS", 2 if env.DEMO else 15, least=1)
# How long a worker may keep a calendar to itself without a sign of life: longer than one call to the other side may take.
LEASE_SECONDS = env.number("LEASE_SECONDS", 20 if env.DEMO else 60, least=5)
# How long an event that is gone is looked for in the owner's other calendars before it counts as deleted.
MOVE_GRACE_SECONDS = env.number("MOVE_GRACE_SECONDS", 10 if env.DEMO else 600)

# Private hosts (exact `host` or `host:port`) that users may name as calendar servers.
KALENDS_PRIVATE_HOSTS = env.listing("KALENDS_PRIVATE_HOSTS")
# A PEM file with further certificate authorities for outgoing connections.
KALENDS_CA_FILE = env.text("KALENDS_CA_FILE")

# Where Google is spoken to; only the root changes, the official paths stay.
GOOGLE_API_ROOT = env.text("GOOGLE_API_ROOT", "https://www.googleapis.com")
GOOGLE_OAUTH_ROOT = env.text("GOOGLE_OAUTH_ROOT", "https://oauth2.googleapis.com")
# Where Microsoft Graph is: national clouds have roots of their own, and a try-out server is one too. The path /v1.0 stays.
GRAPH_ROOT = env.text("GRAPH_ROOT", "https://graph.microsoft.com")
