"""Other systems that are told of every booking."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from integrations.models.encrypted import EncryptedJSONField


class WebhookTarget(models.Model):
    """Where signed news is posted to. The messages of the outbox know it by `name`, which therefore stays; the secret can be written and is never shown."""

    name = models.SlugField(_("short name"), max_length=40, unique=True, help_text=_("Stands in the log of messages and can't be changed later."))
    url = models.URLField(_("address"), max_length=500)
    secrets = EncryptedJSONField(default=dict, editable=False)  # {"secret": …}
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
