"""A channel of the shop's news: signed webhooks. It is here and not with the shop because whatever talks to other people's systems is."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from booking.models import Message
from booking.notifications.channels import Undeliverable
from integrations.models import WebhookTarget


class Webhook:
    """Every active target hears once of what a customer is told."""

    name = "webhook"
    label = _("webhook")

    def recipients(self, mail: Message) -> Iterable[tuple[Message.Audience, str]]:
        if mail.audience != Message.Audience.CUSTOMER:
            return []
        return [(Message.Audience.SYSTEM, name) for name in WebhookTarget.objects.filter(is_active=True).values_list("name", flat=True)]

    def send(self, message: Message) -> None:
        from integrations.channel.delivery import deliver  # an HTTP client is needed in the background only

        target = WebhookTarget.objects.filter(name=message.recipient, is_active=True).first()
        if target is None:
            raise Undeliverable("The webhook has been removed or switched off.")
        deliver(target, message)
