"""All addresses: the shop's pages at the root, then accounts, API and admin."""

from __future__ import annotations

from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from integrations.pages import consent
from integrations.webhooks import hook

# The admin has no sign-in page of its own: throttling and the second factor are the account pages'.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    # Not allauth.urls: nobody signs in or up by another service. Here people come back from a consent page.
    path("account/<slug:login>/login/callback/", consent.callback, name="oauth_callback"),
    path("account/2fa/", include("allauth.mfa.urls")),
    path("account/", include("allauth.account.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("api/", include("booking.api.urls")),
    path("hooks/<slug:provider>/<int:pk>/", hook, name="hook"),
    path("api/", include("crm.api.urls")),
    path("profile/", include("integrations.pages.urls")),
    path("profile/", include("crm.pages.urls")),
    path("", include("booking.pages.urls")),
]
if settings.KALENDS_DEMO:
    urlpatterns.insert(0, path("demo/", include("config.demo.urls")))
