"""Outgoing mail and what the company is called in it."""

from __future__ import annotations

from config.settings import environment as env

__all__ = [
    "COMPANY",
    "CURRENCY",
    "DEFAULT_FROM_EMAIL",
    "EMAIL_BACKEND",
    "EMAIL_FILE_PATH",
    "EMAIL_HOST",
    "EMAIL_HOST_PASSWORD",
    "EMAIL_HOST_USER",
    "EMAIL_PORT",
    "EMAIL_TIMEOUT",
    "EMAIL_USE_SSL",
    "EMAIL_USE_TLS",
    "MAIL_CAP_PER_ADDRESS",
    "SERVER_EMAIL",
]

EMAIL_HOST = env.text("EMAIL_HOST", "localhost")
EMAIL_PORT = env.number("EMAIL_PORT", 25, least=1)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS")
EMAIL_USE_SSL = env.flag("EMAIL_USE_SSL")
# Without a limit a mail server that hangs would hold a worker for ever.
EMAIL_TIMEOUT = env.number("EMAIL_TIMEOUT", 20, least=1)
EMAIL_FILE_PATH = str(env.VAR_DIR / "mail")
_BACKENDS = "django.core.mail.backends"
EMAIL_BACKEND = f"{_BACKENDS}.filebased.EmailBackend" if env.DEMO or (env.DEBUG and not env.text("EMAIL_HOST")) else f"{_BACKENDS}.smtp.EmailBackend"
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "Kalends <kalends@localhost>")
SERVER_EMAIL = env.text("SERVER_EMAIL", DEFAULT_FROM_EMAIL)

# The values of %company_name%, %company_address%, …
COMPANY = {
    "name": env.text("COMPANY_NAME", "Kalends"),
    "address": env.text("COMPANY_ADDRESS"),
    "phone": env.text("COMPANY_PHONE"),
    "email": env.text("COMPANY_EMAIL"),
    "website": env.text("COMPANY_WEBSITE"),
}

# The sign that follows a price.
CURRENCY = env.text("CURRENCY", "€")

# Mails that public bookings may cause to one address within 24 hours.
MAIL_CAP_PER_ADDRESS = env.number("MAIL_CAP_PER_ADDRESS", 20, least=1)
