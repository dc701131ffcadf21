"""The placeholders of the shop's own questions and extras: one for each, named by its number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from booking.models import Attendance, BookedExtra, CustomField, Extra
from booking.models.question import Answer, Kind
from booking.notifications.placeholders.escaping import unlinked
from booking.notifications.placeholders.filling import Value
from booking.notifications.placeholders.known import EMPLOYEE, EVERYWHERE, Placeholder
from booking.notifications.placeholders.moments import Moment

Price = Callable[..., str]


def own_placeholders() -> list[Placeholder]:
    """Those of the questions that are asked and of the extras that are offered."""
    questions = [
        Placeholder(f"custom_field_{one.pk}", _("Form fields"), one.label, _sample(one), EMPLOYEE if one.kind == Kind.FILE else EVERYWHERE)
        for one in CustomField.objects.filter(is_active=True)
    ]
    extras = []
    for one in Extra.objects.filter(is_active=True).select_related("service"):
        title = f"{one.service}: {one.name}"
        extras += [
            Placeholder(f"service_extra_{one.pk}_name", _("Extras"), title, one.name, EVERYWHERE),
            Placeholder(f"service_extra_{one.pk}_quantity", _("Extras"), _("how many of it"), "1", EVERYWHERE),
            Placeholder(f"service_extra_{one.pk}_price", _("Extras"), _("its price"), f"{one.price}\u00a0{settings.CURRENCY}", EVERYWHERE),
        ]
    return [*questions, *extras]


def own_values(guests: Sequence[Attendance], language: str, price: Price, *, files: bool) -> dict[str, Value]:
    """What these people answered and added. `files`: the names of what they sent and where to get it, which only employees are told."""
    values: dict[str, Value] = {}
    answers = [one for guest in guests for one in guest.answers.all() if one.field_id and (files or one.kind != Kind.FILE)]
    with override(language):
        for pk in dict.fromkeys(one.field_id for one in answers):
            said = [one for one in answers if one.field_id == pk]
            values[f"custom_field_{pk}"] = _day(said[0], language) if len(said) == 1 and said[0].kind == Kind.DATE else _joined(map(_said, said))
    extras = [one for guest in guests for one in guest.extras.all()]
    for pk in dict.fromkeys(one.extra_id for one in extras if one.extra_id):
        booked = [one for one in extras if one.extra_id == pk]
        values[f"service_extra_{pk}_name"] = booked[0].name
        values[f"service_extra_{pk}_quantity"] = str(sum(one.quantity for one in booked))
        values[f"service_extra_{pk}_price"] = price(booked[0].price, language)
    values["service_extras"] = "\n".join(dict.fromkeys(one.name for one in extras))
    values["service_extras_details"] = "\n".join(_details(one, language, price) for one in extras)
    return values


def _sample(field: CustomField) -> str | Moment:
    if field.kind == Kind.DATE:
        return Moment(datetime(2030, 11, 20, 12, tzinfo=UTC), "en", "date")
    return (field.options or [field.label])[0]


def _details(one: BookedExtra, language: str, price: Price) -> str:
    return f"{one.quantity} × {one.name}: {price(one.total, language)}"


def _said(answer: Answer) -> str:
    if answer.kind != Kind.FILE:
        return unlinked(answer.shown)
    address = settings.SITE_URL.rstrip("/") + reverse("booking:appointment_file", args=[answer.attendance.appointment_id, answer.pk])
    return f"{unlinked(answer.value)} ({address})"


def _day(answer: Answer, language: str) -> Moment:
    """Noon: a day has no zone that could make another one of it."""
    return Moment(datetime.combine(date.fromisoformat(answer.value), time(12), UTC), language, "date")


def _joined(values: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(values))
