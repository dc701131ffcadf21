"""Outlook announces itself: calendars of Microsoft 365 and outlook.com, over Microsoft Graph."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from integrations.contract import Capabilities, ProviderConfig


class OutlookConfig(ProviderConfig):
    name = "integrations.outlook"
    label = "outlook"
    verbose_name = _("Outlook")
    provider_id = "outlook"
    provider_class = "integrations.outlook.provider.OutlookProvider"
    provider_label = _("Outlook")
    connects_by = "oauth"
    # Graph mails every guest of an event that is created, moved or deleted, and can't be told not to.
    capabilities = Capabilities(push=True, hides_attendees=True, silent_attendees=False, creates_calendars=True)
