"""CalDAV announces itself: Nextcloud, iCloud, Fastmail, mailbox.org, Radicale, SOGo and every other server of RFC 4791."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from integrations.contract import Capabilities, ProviderConfig


class CaldavConfig(ProviderConfig):
    name = "integrations.caldav"
    label = "caldav"
    verbose_name = _("CalDAV")
    provider_id = "caldav"
    provider_class = "integrations.caldav.provider.CaldavProvider"
    provider_label = _("CalDAV")
    connects_by = "password"
    capabilities = Capabilities(silent_attendees=True, creates_calendars=True)
