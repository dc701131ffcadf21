"""Google Calendar announces itself: the calendars of a Google account, private or of a company."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from integrations.contract import Capabilities, ProviderConfig


class GoogleConfig(ProviderConfig):
    name = "integrations.google"
    label = "google"
    verbose_name = _("Google Calendar")
    provider_id = "google"
    provider_class = "integrations.google.provider.GoogleProvider"
    provider_label = _("Google Calendar")
    connects_by = "oauth"
    capabilities = Capabilities(push=True, hides_attendees=True, silent_attendees=True, creates_calendars=True)
