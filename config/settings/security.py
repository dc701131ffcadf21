"""Keys, hosts, cookies, headers. Production refuses to start with missing or weak keys."""

from __future__ import annotations

from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config.settings import environment as env

__all__ = [
    "ALLOWED_HOSTS",
    "CONTENT_SECURITY_POLICY",
    "CSRF_COOKIE_HTTPONLY",
    "CSRF_COOKIE_NAME",
    "CSRF_COOKIE_SECURE",
    "CSRF_TRUSTED_ORIGINS",
    "KALENDS_ENCRYPTION_KEYS",
    "LANGUAGE_COOKIE_SAMESITE",
    "LANGUAGE_COOKIE_SECURE",
    "PROOF_OF_WORK",
    "SECRET_KEY",
    "SECURE_HSTS_INCLUDE_SUBDOMAINS",
    "SECURE_HSTS_PRELOAD",
    "SECURE_HSTS_SECONDS",
    "SECURE_PROXY_SSL_HEADER",
    "SECURE_REFERRER_POLICY",
    "SECURE_SSL_REDIRECT",
    "SESSION_ABSOLUTE_SECONDS",
    "SESSION_COOKIE_AGE",
    "SESSION_COOKIE_HTTPONLY",
    "SESSION_COOKIE_NAME",
    "SESSION_COOKIE_SAMESITE",
    "SESSION_COOKIE_SECURE",
    "SITE_URL",
    "TRUSTED_PROXY_COUNT",
    "X_FRAME_OPTIONS",
]

# Known to everybody: accepted only with DEBUG or in tests.
DEBUG_SECRET_KEY = "debug-only-secret-key-known-to-everybody-who-can-read-this"
DEBUG_ENCRYPTION_KEY = "ZGVidWctb25seS1rZXkta25vd24tdG8tZXZlcnlib2Q="
HINT = "Run `python -m config.keys` to make strong ones."


def secret_key(value: str, *, relaxed: bool) -> str:
    if relaxed:
        return value or DEBUG_SECRET_KEY
    if not value:
        raise ImproperlyConfigured(f"SECRET_KEY is not set. {HINT}")
    weak = len(value) < 50 or len(set(value)) < 5
    if weak or value == DEBUG_SECRET_KEY or value.startswith("django-insecure-"):
        raise ImproperlyConfigured(f"SECRET_KEY is a debug key or too weak (50 characters at least). {HINT}")
    return value


def encryption_keys(values: list[str], *, relaxed: bool) -> list[str]:
    """Fernet keys: the first encrypts, all decrypt."""
    if relaxed and not values:
        return [DEBUG_ENCRYPTION_KEY]
    if not values:
        raise ImproperlyConfigured(f"KALENDS_ENCRYPTION_KEYS is not set. {HINT}")
    for place, value in enumerate(values, start=1):
        try:
            Fernet(value)
        except ValueError:
            # The value itself never goes into a message.
            raise ImproperlyConfigured(f"KALENDS_ENCRYPTION_KEYS: key {place} is no Fernet key (32 bytes, url-safe base64). {HINT}") from None
        if not relaxed and (value == DEBUG_ENCRYPTION_KEY or len(set(value)) < 10):
            raise ImproperlyConfigured(f"KALENDS_ENCRYPTION_KEYS: key {place} is a debug key or too weak. {HINT}")
    return values


def site_url(value: str, *, relaxed: bool) -> str:
    """The public address, without a trailing slash; links in mails begin with it."""
    if not value and not relaxed:
        raise ImproperlyConfigured("SITE_URL is not set. It is the public address, such as https://booking.example.org.")
    parts = urlsplit(value or "http://localhost:8000")
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ImproperlyConfigured(f"SITE_URL must be an http(s) address, not {value!r}.")
    return parts.geturl().rstrip("/")


_RELAXED = env.DEBUG or env.TESTING
SECRET_KEY = secret_key(env.text("SECRET_KEY"), relaxed=_RELAXED)
KALENDS_ENCRYPTION_KEYS = encryption_keys(env.listing("KALENDS_ENCRYPTION_KEYS"), relaxed=_RELAXED)
SITE_URL = site_url(env.text("SITE_URL"), relaxed=_RELAXED)

_HOST = urlsplit(SITE_URL).hostname or ""
_HTTPS = SITE_URL.startswith("https://")
_LOCAL = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = env.listing("ALLOWED_HOSTS") or ([_HOST, *_LOCAL] if _RELAXED or env.DEMO else [_HOST])
CSRF_TRUSTED_ORIGINS = env.listing("CSRF_TRUSTED_ORIGINS")

# Number of reverse proxies in front of us whose X-Forwarded-For entry we believe.
TRUSTED_PROXY_COUNT = env.number("TRUSTED_PROXY_COUNT", 0)
# Only when the proxy always sets (and never passes on) X-Forwarded-Proto.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("TRUST_X_FORWARDED_PROTO") else None
SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT")
SECURE_HSTS_SECONDS = env.number("HSTS_SECONDS", 31_536_000) if _HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _HTTPS and env.flag("HSTS_SUBDOMAINS")
SECURE_HSTS_PRELOAD = _HTTPS and env.flag("HSTS_PRELOAD")
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# A __Host- cookie can't be planted by a sibling domain; browsers accept the prefix over https only.
_PREFIX = "__Host-" if _HTTPS else ""
SESSION_COOKIE_NAME = f"{_PREFIX}session"
SESSION_COOKIE_SECURE = _HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
# Idle limit; it is prolonged at most once an hour by SessionLimitMiddleware.
SESSION_COOKIE_AGE = env.number("SESSION_IDLE_SECONDS", 7 * 86_400, least=60)
SESSION_ABSOLUTE_SECONDS = env.number("SESSION_ABSOLUTE_SECONDS", 30 * 86_400, least=60)
CSRF_COOKIE_NAME = f"{_PREFIX}csrf"
CSRF_COOKIE_SECURE = _HTTPS
CSRF_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SECURE = _HTTPS
LANGUAGE_COOKIE_SAMESITE = "Lax"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}

# Proof of work before strangers' forms are taken: how often the browser hashes for each guess (about 256 guesses); 0 asks for none.
PROOF_OF_WORK = env.number("PROOF_OF_WORK", 0, least=0)
