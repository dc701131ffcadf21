"""Apps, middleware, templates, languages, static files and the product's own settings."""

from __future__ import annotations

from pathlib import Path

from django.utils.translation import gettext_lazy as _

from config.settings import environment as env
from config.settings.environment import BASE_DIR, DEBUG, VAR_DIR

__all__ = [
    "BASE_DIR",
    "DATA_UPLOAD_MAX_NUMBER_FILES",
    "DEBUG",
    "DEFAULT_AUTO_FIELD",
    "FILE_UPLOAD_DIRECTORY_PERMISSIONS",
    "FILE_UPLOAD_HANDLERS",
    "FILE_UPLOAD_PERMISSIONS",
    "HOLIDAYS_COUNTRY",
    "HOLIDAYS_SUBDIVISION",
    "INSTALLED_APPS",
    "KALENDS_DEMO",
    "KALENDS_TESTING",
    "LANGUAGES",
    "LANGUAGE_CODE",
    "LOCALE_PATHS",
    "MEDIA_ROOT",
    "MEDIA_URL",
    "MIDDLEWARE",
    "REQUIRE_STAFF_MFA",
    "ROOT_URLCONF",
    "STATICFILES_DIRS",
    "STATIC_ROOT",
    "STATIC_URL",
    "STORAGES",
    "TEMPLATES",
    "TIME_ZONE",
    "UPLOAD_LIMIT",
    "USE_I18N",
    "USE_TZ",
    "WHITENOISE_AUTOREFRESH",
    "WHITENOISE_USE_FINDERS",
    "WSGI_APPLICATION",
]

KALENDS_DEMO = env.DEMO
KALENDS_TESTING = env.TESTING

INSTALLED_APPS = [
    "booking",
    "crm",
    "resources",
    "integrations",
    # A provider is announced by its line here, and nowhere else.
    "integrations.caldav.apps.CaldavConfig",
    "integrations.google.apps.GoogleConfig",
    "integrations.outlook.apps.OutlookConfig",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.google",
    "allauth.socialaccount.providers.microsoft",
    "simple_history",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "django_htmx",
    "csp",
    "whitenoise.runserver_nostatic",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "config.staticfiles.LeanStaticFilesConfig",
    "config",
]

MIDDLEWARE = [
    "config.middleware.ClientAddressMiddleware",
    "config.middleware.AccessLogMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.middleware.SessionLimitMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "config.middleware.StaffMfaMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "config.context.site",
            ],
        },
    }
]

LANGUAGE_CODE = env.text("LANGUAGE_CODE", "en")
LANGUAGES = [("en", _("English")), ("de", _("German"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = env.text("TIME_ZONE", "Europe/Berlin")
USE_TZ = True
# The public holidays of new calendars: codes such as DE and BE. Nothing: none.
HOLIDAYS_COUNTRY = env.text("HOLIDAYS_COUNTRY").upper()
HOLIDAYS_SUBDIVISION = env.text("HOLIDAYS_SUBDIVISION")
USE_I18N = True

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
_NODE = BASE_DIR / "node_modules"
STATICFILES_DIRS = [
    BASE_DIR / "static",
    ("vendor/htmx", _NODE / "htmx.org" / "dist"),
    ("vendor/altcha", _NODE / "altcha" / "dist"),
    ("vendor/bootstrap", _NODE / "bootstrap" / "dist"),
    ("vendor/bootstrap-icons", _NODE / "bootstrap-icons" / "font"),
]
# Without a collectstatic run (tests, demo, development) files are served from where they lie.
WHITENOISE_USE_FINDERS = DEBUG or env.TESTING or env.DEMO
# Looked up per request instead of listed at the start: each test client starts anew.
WHITENOISE_AUTOREFRESH = DEBUG or env.TESTING
if WHITENOISE_USE_FINDERS:
    STATIC_ROOT.mkdir(parents=True, exist_ok=True)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if WHITENOISE_USE_FINDERS
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
MEDIA_URL = "media/"
# Pictures of the shop and files of customers: part of every backup. Only our own views hand them out.
MEDIA_ROOT = Path(env.text("MEDIA_DIR", str(VAR_DIR / "media")))
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700
UPLOAD_LIMIT = env.number("UPLOAD_LIMIT_MB", 10, least=1) * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FILES = 20
FILE_UPLOAD_HANDLERS = [
    "booking.uploads.CappedUpload",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

REQUIRE_STAFF_MFA = env.flag("REQUIRE_STAFF_MFA")
