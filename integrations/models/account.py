"""Whose calendars we may use, at which provider, and whether that works at present."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from integrations.models.encrypted import EncryptedJSONField


class Account(models.Model):
    """An account at a provider; belongs to a user, or to the organisation when `user` is empty."""

    class State(models.TextChoices):
        CHECKING = "checking", _("being checked")
        CONNECTED = "connected", _("connected")
        NEEDS_PERSON = "needs_person", _("needs you")
        DISCONNECTING = "disconnecting", _("being disconnected")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="calendar_accounts")
    provider = models.CharField(_("provider"), max_length=40)
    identity = models.CharField(_("account"), max_length=254, blank=True)
    server = models.URLField(_("address"), max_length=500, blank=True)
    username = models.CharField(_("user name"), max_length=254, blank=True)
    secrets = EncryptedJSONField(default=dict, editable=False)
    # By OAuth: who it is there, for ever; and the access token, whose version is raised by whoever renews it under the lease.
    subject = models.CharField(max_length=255, blank=True, editable=False)
    token_expires_at = models.DateTimeField(null=True, editable=False)
    token_version = models.PositiveIntegerField(default=0, editable=False)
    refreshing_until = models.DateTimeField(null=True, editable=False)
    # The last day of the password, or of what was granted, where that is known.
    access_ends_on = models.DateField(_("access ends on"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=20, choices=State, default=State.CHECKING)
    problem = models.CharField(_("problem"), max_length=500, blank=True)
    hint = models.CharField(_("next step"), max_length=500, blank=True)
    # The last diagnosis: [{"name", "ok", "detail", "hint"}], grows while it runs; and the calendars found by it.
    steps = models.JSONField(default=list, editable=False)
    calendars = models.JSONField(default=list, editable=False)
    checked_at = models.DateTimeField(null=True, editable=False)
    # Refused log-ins in a row. After three we stop asking, so that nobody's account is locked out.
    failures = models.PositiveSmallIntegerField(default=0, editable=False)
    # The other side asked us to wait (Retry-After), or takes no calls at all: for all of this account.
    paused_until = models.DateTimeField(null=True, editable=False)
    # How often in a row it took no calls, each time after another pause. 0 again once what waits is written.
    pauses = models.PositiveSmallIntegerField(default=0, editable=False)
    last_ok_at = models.DateTimeField(_("last success"), null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("calendar account")
        verbose_name_plural = _("calendar accounts")
        constraints = [
            models.UniqueConstraint(fields=["user", "provider", "subject"], condition=~Q(subject="") & ~Q(state="disconnecting"), name="account_once"),
        ]

    def __str__(self) -> str:
        return self.identity or self.username or self.provider


class Installation(models.Model):
    """The one row that tells this installation's events from those of another."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True)

    def __str__(self) -> str:
        return self.uuid.hex

    @classmethod
    def mark(cls) -> str:
        """32 hex digits, the same for ever."""
        found = cls.objects.order_by("pk").first() or cls.objects.get_or_create(pk=1)[0]  # two first users at once make one row
        return found.uuid.hex
