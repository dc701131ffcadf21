"""How calendars are synced: intervals and patience (seconds), and which private servers may be reached."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from config.settings import environment as env
from config.settings.security import SITE_URL

__all__ = [
    "GOOGLE_ACCOUNTS_ROOT",
    "GOOGLE_API_ROOT",
    "GOOGLE_OAUTH_ROOT",
    "GRAPH_ROOT",
    "KALENDS_CA_FILE",
    "KALENDS_PRIVATE_HOSTS",
    "LEASE_SECONDS",
    "MICROSOFT_LOGIN_ROOT",
    "MOVE_GRACE_SECONDS",
    "POLL_SECONDS",
    "PUSH_ADDRESS",
    "PUSH_GAP_SECONDS",
    "QUIET_SECONDS",
    "RETRY_SECONDS",
    "SAFETY_POLL_SECONDS",
    "SWEEP_SECONDS",
]

# How often a calendar is read where the other side does not push.
POLL_SECONDS = env.number("POLL_SECONDS", 5 if env.DEMO else 300, least=1)
# How often it is read where the other side tells us of changes: a call may get lost, and that must not last.
SAFETY_POLL_SECONDS = env.number("SAFETY_POLL_SECONDS", 30 if env.DEMO else 900, least=1)
if SAFETY_POLL_SECONDS > 900:
    raise ImproperlyConfigured(f"SAFETY_POLL_SECONDS must be at most 900, not {SAFETY_POLL_SECONDS}: calls get lost, and busy times would be stale.")
# How long a calendar rests after it was read before calls make us read it again: a hundred changes at once are one reading.
PUSH_GAP_SECONDS = env.number("PUSH_GAP_SECONDS", 1)
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


def push_address(value: str, site: str, *, local: bool) -> str:
    """Where calendar services call us; "" when they can't. They want https; only one on this machine calls http on the loopback (`local`, or said so)."""
    if value.lower() in ("off", "0"):
        return ""
    parts = urlsplit(value or site)
    if parts.scheme == "https" or ((local or value) and parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")):
        return parts.geturl().rstrip("/")
    if value:
        raise ImproperlyConfigured(f"PUSH_ADDRESS must be an https address or off, not {value!r}.")
    return ""


# Google and Microsoft tell us of changes at this address; "off" for an installation that can't be called, which then only asks.
PUSH_ADDRESS = push_address(env.text("PUSH_ADDRESS"), SITE_URL, local=env.DEMO)

# Private hosts (exact `host` or `host:port`) that users may name as calendar servers.
KALENDS_PRIVATE_HOSTS = env.listing("KALENDS_PRIVATE_HOSTS")
# A PEM file with further certificate authorities for outgoing connections.
KALENDS_CA_FILE = env.text("KALENDS_CA_FILE")

# Where Google is spoken to; only the root changes, the official paths stay.
GOOGLE_ACCOUNTS_ROOT = env.text("GOOGLE_ACCOUNTS_ROOT", "https://accounts.google.com")
GOOGLE_API_ROOT = env.text("GOOGLE_API_ROOT", "https://www.googleapis.com")
GOOGLE_OAUTH_ROOT = env.text("GOOGLE_OAUTH_ROOT", "https://oauth2.googleapis.com")
# Where Microsoft signs people in, and where Graph is: national clouds have roots of their own, and a try-out server is one too. The path /v1.0 stays.
MICROSOFT_LOGIN_ROOT = env.text("MICROSOFT_LOGIN_ROOT", "https://login.microsoftonline.com")
GRAPH_ROOT = env.text("GRAPH_ROOT", "https://graph.microsoft.com")
