"""Registers for events and withdraws: the only writers of registrations. Places are counted while the event is locked."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from booking.actions.customers import Guest, recognise
from booking.actions.events import held, places_taken
from booking.errors import NotOpen, SoldOut, TooLate, WrongState
from booking.models import Event, Message, Registration
from booking.notifications import registrations as notify
from booking.notifications.cap import check_cap
from booking.signals import item_changed


def register(*, event: Event, guest: Guest, now: datetime, places: int = 1, notes: str = "", origin: object = None, public: bool = False) -> Registration:
    """Raises SoldOut with the number of places left. `public`: a stranger registers, so registration must be open (NotOpen), no more
    places than one may have (WrongState), and mails to one address are limited (TooMany)."""
    with held(event):
        if public:
            _check_open(event, now)
            if places > event.places_each:
                raise WrongState(_("At most %(most)s places can be booked at once.") % {"most": event.places_each})
        elif not event.is_live:
            raise NotOpen(_("The event has not been published, or has been cancelled."))
        left = event.capacity - places_taken(event)
        if places > left:
            raise SoldOut(sold_out(left), left)
        customer, known = recognise(guest)
        if public and known:
            check_cap(guest.email, now)
        if customer._state.adding:
            customer.save()
        registration = Registration(event=event, customer=customer, places=places, notes=notes, language=guest.language)
        registration.save()
        notify.tell(event, Message.Kind.REGISTERED, registrations=[registration], organizer=True, now=now, first=True)
        item_changed.send(sender=Registration, item=registration, origin=origin)
        return registration


def withdraw(*, registration: Registration, now: datetime, by_customer: bool = False, origin: object = None, reason: str = "") -> None:
    """Gives the places back. A customer can until the event begins (TooLate)."""
    event = registration.event
    with held(event):
        registration.refresh_from_db()
        registration.event = event
        if not registration.is_live:
            raise WrongState(_("This registration has already been cancelled."))
        if by_customer:
            if not event.is_live:
                raise WrongState(_("The event has been cancelled."))
            begins = event.periods.filter(is_cancelled=False).order_by("start").values_list("start", flat=True).first()
            if begins is not None and begins <= now:
                raise TooLate(_("The event has begun. Please call us."))
        registration.status = Registration.Status.CANCELLED
        registration.link_version += 1
        registration._change_reason = reason[:100] or None  # type: ignore[attr-defined]  # simple-history reads it
        registration.save()
        notify.tell(event, Message.Kind.WITHDRAWN, registrations=[registration], organizer=True, now=now)
        item_changed.send(sender=Registration, item=registration, origin=origin)


def sold_out(left: int) -> str:
    if left <= 0:
        return _("The event is sold out.")
    return ngettext("Only %(left)s place is left.", "Only %(left)s places are left.", left) % {"left": left}


def _check_open(event: Event, now: datetime) -> None:
    match event.registration(now):
        case "open":
            return
        case "early":
            raise NotOpen(_("Registration has not begun yet."))
        case "closed":
            raise NotOpen(_("Registration has ended."))
        case "over":
            raise NotOpen(_("The event is over."))
        case _:
            raise NotOpen(_("The event doesn't take place."))
