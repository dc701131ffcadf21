"""What shall travel, in which direction, and how it looks there. Resolved field by field: link, then user, then default."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from integrations.models.link import Link


class Rule(models.Model):
    """Empty fields ask the next wider rule."""

    class Scope(models.TextChoices):
        DEFAULT = "default", _("everybody")
        USER = "user", _("one user")
        LINK = "link", _("one calendar")

    class Direction(models.TextChoices):
        OFF = "off", _("off")
        TO = "to", _("to the calendar")
        FROM = "from", _("from the calendar")
        BOTH = "both", _("both ways")

    class Priority(models.TextChoices):
        OURS = "ours", _("this system")
        THEIRS = "theirs", _("the calendar")
        NEWEST = "newest", _("the newest change")

    class OnRemoteDelete(models.TextChoices):
        CANCEL = "cancel", _("cancel it here too")
        RESTORE = "restore", _("put the event back")
        UNLINK = "unlink", _("keep it here, leave the calendar alone")

    scope = models.CharField(max_length=10, choices=Scope)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="sync_rules")
    link = models.ForeignKey(Link, models.CASCADE, null=True, blank=True, related_name="rules")
    kind = models.CharField(_("kind"), max_length=20, default="appointment")

    direction = models.CharField(_("direction"), max_length=10, choices=Direction, null=True, blank=True)
    priority = models.CharField(_("if both sides changed the same"), max_length=10, choices=Priority, null=True, blank=True)
    on_remote_delete = models.CharField(_("if the event is deleted in the calendar"), max_length=10, choices=OnRemoteDelete, null=True, blank=True)
    title = models.CharField(_("title in the calendar"), max_length=300, null=True, blank=True)
    description = models.TextField(_("description in the calendar"), null=True, blank=True)
    pending = models.BooleanField(_("insert pending appointments"), null=True, blank=True)
    attendees = models.BooleanField(_("add customers as attendees"), null=True, blank=True)
    buffers = models.BooleanField(_("include buffer time"), null=True, blank=True)
    busy = models.BooleanField(_("remove busy slots"), null=True, blank=True)
    private = models.BooleanField(_("read private events"), null=True, blank=True)
    max_events = models.PositiveIntegerField(
        _("maximum number of events read"), null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(50_000)]
    )
    imports = models.BooleanField(_("take over other events"), null=True, blank=True)
    past_days = models.PositiveIntegerField(_("days read back"), null=True, blank=True, validators=[MaxValueValidator(365)])

    class Meta:
        verbose_name = _("sync rule")
        verbose_name_plural = _("sync rules")
        constraints = [
            models.UniqueConstraint(fields=["kind"], condition=Q(scope="default"), name="rule_one_default"),
            models.UniqueConstraint(fields=["kind", "user"], condition=Q(scope="user"), name="rule_one_per_user"),
            models.UniqueConstraint(fields=["kind", "link"], condition=Q(scope="link"), name="rule_one_per_link"),
            models.CheckConstraint(
                condition=Q(scope="default", user=None, link=None)
                | Q(scope="user", user__isnull=False, link=None)
                | Q(scope="link", user=None, link__isnull=False),
                name="rule_scope_fits",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_scope_display()} · {self.kind}"
