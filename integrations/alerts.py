"""Tells the organiser by mail that somebody who was to take part has declined: nothing is cancelled by that, so a person has to know."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from integrations import words
from integrations.local import KINDS
from integrations.models import Pair


def tell_answers(pair_id: int) -> None:
    """One mail for all who declined since the last; noted once it is sent, so that a failure tells twice rather than never."""
    pair = Pair.objects.select_related("link__calendar__employee").filter(pk=pair_id).first()
    if pair is None:
        return
    news = {email: one for email, one in pair.responses.items() if not one["told"]}
    local, employee = KINDS[pair.kind], pair.link.calendar.employee
    times = local.times([pair.item_id]).get(pair.item_id)
    if news and times and employee.email:
        with translation.override(employee.language):
            who = ", ".join(" ".join(one["name"].split()) or email for email, one in news.items())
            text = _(
                "%(who)s will not take part: %(item)s, %(when)s.\n\nThe time stays taken and nothing has been cancelled. Please decide who stands in: %(link)s"
            )
            values = {
                "who": who,
                "item": local.label(pair.item_id),
                "when": words.in_words("when", times, ZoneInfo(pair.link.calendar.timezone)),
                "link": settings.SITE_URL.rstrip("/") + reverse("integrations:calendars"),
            }
            subject = _("Will not take part: %(who)s") % {"who": who}
            send_mail(subject=subject[:200], message=text % values, from_email=None, recipient_list=[employee.email], fail_silently=False)
    with transaction.atomic():
        now = Pair.objects.select_for_update().get(pk=pair_id)
        told = {email: one | {"told": True} for email, one in now.responses.items() if email in news and news[email]["is"] == one["is"]}
        now.responses |= told
        Pair.objects.filter(pk=pair_id).update(responses=now.responses, untold=any(not one["told"] for one in now.responses.values()))
