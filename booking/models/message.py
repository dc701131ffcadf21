"""The outbox of mails and other news: a row is written with the change it tells of, and sent afterwards."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from booking.models.appointment import Attendance
from booking.models.event import Registration
from booking.models.reminder import Reminder
from booking.models.waiting import WaitingEntry

EMAIL = "email"  # the channel that every message goes over first; the others are plug-ins


class Message(models.Model):
    """One mail (or what else its channel sends) to one address about one version of one attendance, registration or entry of the waiting list. `context` keeps what is no longer in the tables when it is sent
    (the old time); everything else is read when it is sent, so that the last state is told. What a reminder tells is no news: it has a `moment`, the
    start (or end) that it reminds of, and goes once for each."""

    class Kind(models.TextChoices):
        BOOKED = "booked", _("booked")
        APPROVED = "approved", _("approved")
        RESCHEDULED = "rescheduled", _("rescheduled")
        CANCELLED = "cancelled", _("cancelled")
        REJECTED = "rejected", _("rejected")
        REGISTERED = "registered", _("registered for an event")
        WITHDRAWN = "withdrawn", _("registration cancelled")
        EVENT_CHANGED = "event_changed", _("event changed")
        EVENT_CANCELLED = "event_cancelled", _("event cancelled")
        REMINDER = "reminder", _("reminder")
        FOLLOW_UP = "follow_up", _("follow-up")
        WAITING = "waiting", _("put on the waiting list")
        FREED = "freed", _("something is free")

    class Audience(models.TextChoices):
        CUSTOMER = "customer", _("customer")
        EMPLOYEE = "employee", _("employee")
        SYSTEM = "system", _("another system")

    class State(models.TextChoices):
        OPEN = "open", _("waiting")
        SENT = "sent", _("sent")
        FAILED = "failed", _("failed")
        SKIPPED = "skipped", _("not needed any more")

    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    audience = models.CharField(_("to whom"), max_length=10, choices=Audience)
    attendance = models.ForeignKey(Attendance, models.CASCADE, null=True, blank=True, related_name="messages", verbose_name=_("attendance"))
    registration = models.ForeignKey(Registration, models.CASCADE, null=True, blank=True, related_name="messages", verbose_name=_("registration"))
    reminder = models.ForeignKey(Reminder, models.SET_NULL, null=True, blank=True, related_name="messages", verbose_name=_("reminder"))
    moment = models.DateTimeField(_("time reminded of"), null=True, blank=True)
    waiting = models.ForeignKey(WaitingEntry, models.CASCADE, null=True, blank=True, related_name="messages", verbose_name=_("waiting list"))
    version = models.PositiveIntegerField()
    channel = models.CharField(_("channel"), max_length=20, default=EMAIL)
    recipient = models.CharField(_("address"), max_length=254)
    context = models.JSONField(default=dict, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPEN)
    not_before = models.DateTimeField(_("not before"))
    claimed_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    error = models.CharField(_("error"), max_length=500, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["channel", "kind", "attendance", "version", "recipient"], condition=Q(moment=None), name="message_once"),
            models.UniqueConstraint(fields=["channel", "reminder", "attendance", "moment", "recipient"], name="message_of_reminder_once"),
            models.UniqueConstraint(fields=["channel", "kind", "registration", "version", "recipient"], name="message_of_registration_once"),
            models.UniqueConstraint(fields=["channel", "kind", "waiting", "version", "recipient"], name="message_of_waiting_once"),
            models.CheckConstraint(
                condition=Q(attendance__isnull=False, registration=None, waiting=None)
                | Q(attendance=None, registration__isnull=False, waiting=None)
                | Q(attendance=None, registration=None, waiting__isnull=False),
                name="message_is_about_one",
            ),
        ]
        indexes = [models.Index(fields=["state", "not_before"], name="message_due"), models.Index(Upper("recipient"), "created_at", name="message_cap")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} → {self.recipient}"

    @property
    def booking(self) -> Attendance:
        """The attendance that a mail about an appointment is about."""
        assert self.attendance is not None
        return self.attendance

    @property
    def about(self) -> Attendance | Registration | WaitingEntry:
        return self.registration or self.waiting or self.booking
