"""Google Calendar announces itself: the calendars of a Google account, private or of a company."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from integrations.contract import Capabilities, OAuth, ProviderConfig


class GoogleConfig(ProviderConfig):
    name = "integrations.google"
    label = "google_calendar"  # allauth has a "google"
    verbose_name = _("Google Calendar")
    provider_id = "google"
    provider_class = "integrations.google.provider.GoogleProvider"
    provider_label = _("Google Calendar")
    connects_by = "oauth"
    oauth = OAuth(
        login="google",
        consent=("GOOGLE_ACCOUNTS_ROOT", "/o/oauth2/v2/auth"),
        tokens=("GOOGLE_OAUTH_ROOT", "/token"),
        # One scope, and so one box to tick: listing calendars, making a separate one, events and free/busy need it.
        scopes=("openid", "email", "https://www.googleapis.com/auth/calendar"),
        needed=("https://www.googleapis.com/auth/calendar",),
        # Without "consent" there is no refresh token for who has agreed before.
        asks={"access_type": "offline", "include_granted_scopes": "true", "prompt": "select_account consent"},
        faults={
            "redirect_uri_mismatch": "redirect",
            "The OAuth client was not found": "client",
            "deleted_client": "client",
            "unauthorized_client": "client",
            "invalid_client": "secret",
        },
        guide="integrations/guides/google.html",
    )
    webhook = "integrations.google.webhook.hear"
    capabilities = Capabilities(
        push=True, batch=50, hides_attendees=True, silent_attendees=True, copies_to_attendees=True, organizer_is_calendar=True, creates_calendars=True
    )
