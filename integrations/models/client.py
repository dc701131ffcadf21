"""As whom we ask people for access to their calendars: what an admin registered at Google, Microsoft and the like."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from integrations.models.encrypted import EncryptedJSONField


class OAuthClient(models.Model):
    """Our registration at a provider (the "client" of RFC 6749). The secret can be written and is never shown."""

    provider = models.CharField(_("provider"), max_length=40, unique=True)
    enabled = models.BooleanField(_("enabled"), default=True, help_text=_("Off: nobody can connect, and connected calendars rest until it is on again."))
    client_id = models.CharField(_("client ID"), max_length=200)
    secrets = EncryptedJSONField(default=dict, editable=False)  # {"client_secret": …}
    secret_expires_on = models.DateField(_("secret expires on"), null=True, blank=True)
    tenant = models.CharField(_("authority (tenant)"), max_length=200, blank=True)
    # The last test of the set-up, which grows while it runs: [{"name", "ok", "detail", "hint"}].
    checking = models.BooleanField(default=False, editable=False)
    steps = models.JSONField(default=list, editable=False)
    checked_at = models.DateTimeField(_("tested"), null=True, editable=False)
    # What the provider refuses us since, though no person can help it: for the admins.
    problem = models.CharField(_("problem"), max_length=500, blank=True, editable=False)

    class Meta:
        verbose_name = _("sign-in at a provider")
        verbose_name_plural = _("sign-in at providers (Google, Outlook)")

    def __str__(self) -> str:
        return self.provider.capitalize()
