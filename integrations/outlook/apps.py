"""Outlook announces itself: calendars of Microsoft 365 and outlook.com, over Microsoft Graph."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from integrations.contract import Capabilities, OAuth, ProviderConfig


class OutlookConfig(ProviderConfig):
    name = "integrations.outlook"
    label = "outlook"
    verbose_name = _("Outlook")
    provider_id = "outlook"
    provider_class = "integrations.outlook.provider.OutlookProvider"
    provider_label = _("Outlook")
    connects_by = "oauth"
    oauth = OAuth(
        login="microsoft",
        consent=("MICROSOFT_LOGIN_ROOT", "/{tenant}/oauth2/v2.0/authorize"),
        tokens=("MICROSOFT_LOGIN_ROOT", "/{tenant}/oauth2/v2.0/token"),
        scopes=("openid", "email", "offline_access", "User.Read", "Calendars.ReadWrite"),
        needed=("Calendars.ReadWrite",),
        asks={"prompt": "select_account"},
        # "Microsoft Entra authentication and authorization error codes"
        faults={
            "AADSTS700016": "client",
            "AADSTS90002": "tenant",
            "AADSTS50011": "redirect",
            "AADSTS7000222": "expired",
            "AADSTS7000215": "secret",
            "unauthorized_client": "client",
            "invalid_client": "secret",
        },
        guide="integrations/guides/outlook.html",
        tenants=True,
        farewell=_(
            "Microsoft lets no program take its own access back. What we have stored is erased; you can remove the permission yourself at myapps.microsoft.com (work or school) or account.live.com/consent/Manage (personal)."
        ),
    )
    webhook = "integrations.outlook.webhook.hear"
    # Graph mails every guest of an event that is created, moved or deleted, and can't be told not to.
    capabilities = Capabilities(push=True, batch=20, hides_attendees=True, silent_attendees=False, copies_to_attendees=True, creates_calendars=True)
