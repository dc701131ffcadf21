"""The outbox of mails and other channels: what was sent, what failed and why."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from booking.actions.messages import send_again
from booking.admin.readonly import ReadOnlyAdmin
from booking.models import Message
from booking.models.message import EMAIL
from booking.notifications import channels


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    list_display = ["kind", "over", "audience", "recipient", "state", "attempts", "not_before", "sent_at", "error"]
    list_filter = ["state", "kind", "audience", "channel"]
    search_fields = ["recipient"]
    date_hierarchy = "created_at"
    fields = [
        "kind",
        "over",
        "audience",
        "attendance",
        "registration",
        "waiting",
        "reminder",
        "moment",
        "recipient",
        "state",
        "attempts",
        "error",
        "not_before",
        "created_at",
        "sent_at",
    ]
    actions = ["try_again"]

    @admin.display(description=gettext_lazy("channel"), ordering="channel")
    def over(self, message: Message) -> str:
        return _("e-mail") if message.channel == EMAIL else channels.label_of(message.channel)

    @admin.action(description=gettext_lazy("Send again"), permissions=["resend"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        """Only what failed or was sent: what waits is on its way, and what is no longer true must not be told."""
        now = timezone.now()
        done = [send_again(message=message, now=now) for message in queryset]
        if sent := sum(done):
            self.message_user(request, ngettext("%d message waits to be sent.", "%d messages wait to be sent.", sent) % sent)
        if left := len(done) - sent:
            self.message_user(request, _("%d were left as they are: they are waiting already or no longer needed.") % left, messages.WARNING)

    def has_resend_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("booking.change_message")
