"""Erases what is known of a person. What the shop must keep, that an appointment took place and what it cost, stays without a name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from booking.errors import WrongState
from booking.models import Appointment, Attendance, Customer, ErasureRequest, Message, Registration
from booking.models.appointment import LIVE
from booking.signals import item_changed

NOBODY = "–"

_elsewhere: list[Callable[[Sequence[Attendance], Sequence[Registration], datetime], None]] = []


def register(forget: Callable[[Sequence[Attendance], Sequence[Registration], datetime], None]) -> None:
    """Other apps do so when they are ready. `forget` is called in the transaction, with all that the person had booked: it empties texts that name them."""
    if forget not in _elsewhere:
        _elsewhere.append(forget)


def ask(customer: Customer, *, now: datetime) -> None:
    """Notes the person's wish, once."""
    ErasureRequest.objects.get_or_create(customer=customer, done_at=None, defaults={"asked_at": now})


def waiting(customer: Customer) -> bool:
    return ErasureRequest.objects.filter(customer=customer, done_at=None).exists()


def erase(customer: Customer, *, now: datetime) -> None:
    """Names, address, phone, notes and the mails' addresses go, in the history too; links die. WrongState while something is still to come: that is
    to be cancelled first, so that nobody waits for somebody who can't be reached."""
    with transaction.atomic():
        same = list(Customer.objects.select_for_update().same_person(customer))
        attendances = list(Attendance.objects.filter(customer__in=same).select_related("appointment"))
        registrations = list(Registration.objects.filter(customer__in=same).select_related("event"))
        if any(one.is_live and one.appointment.status in LIVE and one.appointment.end > now for one in attendances) or any(
            one.is_live and one.event.is_live and not one.event.is_over(now) for one in registrations
        ):
            raise WrongState(_("Something is still booked under this address. Please cancel it first."))
        for one in same:
            _forget_customer(one)
        for rows, model in ((attendances, Attendance), (registrations, Registration)):
            ids = [row.pk for row in rows]
            model._default_manager.filter(pk__in=ids).update(notes="", link_version=F("link_version") + 1)
            model.history.filter(id__in=ids).update(notes="")
        _forget_mails(Message.objects.filter(attendance__in=attendances) | Message.objects.filter(registration__in=registrations), customer)
        for forget in _elsewhere:
            forget(attendances, registrations, now)
        ErasureRequest.objects.filter(customer__in=same, done_at=None).update(done_at=now)
        for appointment in {one.appointment for one in attendances}:
            item_changed.send(sender=Appointment, item=appointment, origin=None)


def _forget_customer(customer: Customer) -> None:
    """By update, and in the versions as well: a history that kept the name would not be an erasure."""
    blank = {"first_name": NOBODY, "last_name": "", "email": f"erased-{customer.pk}@erased.invalid", "phone": "", "note": ""}
    Customer.history.filter(id=customer.pk).update(**blank)
    Customer.objects.filter(pk=customer.pk).update(**blank, link_version=F("link_version") + 1)


def _forget_mails(messages: QuerySet[Message], customer: Customer) -> None:
    own = messages.filter(recipient__iexact=customer.email)
    own.filter(state=Message.State.OPEN).update(state=Message.State.SKIPPED)
    own.update(recipient=f"erased-{customer.pk}@erased.invalid", error="")
