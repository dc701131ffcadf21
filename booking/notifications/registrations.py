"""What those who registered for an event are told: who hears of what, what they know so far, and so whether it must still be told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from booking.models import Event, Message, Registration
from booking.notifications.announce import take_back
from booking.wake import wake_after_commit

Kind = Message.Kind


@dataclass(frozen=True, slots=True)
class Told:
    """One state of an event, and of a registration for it. `periods` are (id, start, end) of those that take place, as JSON has them."""

    status: str
    name: str
    place: str
    periods: tuple[tuple[int, str, str], ...]
    places: int = 0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def from_json(said: dict[str, Any]) -> Told:
    return Told(**{**said, "periods": tuple((pk, start, end) for pk, start, end in said["periods"])})


def state_of(event: Event) -> Told:
    location = event.location
    periods = [(one.pk, one.start.isoformat(), one.end.isoformat()) for one in event.periods.all() if not one.is_cancelled]
    return Told(event.status, event.name, ", ".join(part for part in (location.name, location.address) if part) if location else "", tuple(periods))


def current(registration: Registration) -> Told:
    status = registration.status if registration.event.is_live else Event.Status.CANCELLED
    return replace(state_of(registration.event), status=str(status), places=registration.places)


def tell_change(event: Event, *, before: Told, now: datetime, quiet: timedelta = timedelta(0)) -> None:
    """Tells everybody who is registered, if it is something they know of that changed: name, place or times."""
    if state_of(event) != before:
        tell(event, Kind.EVENT_CHANGED, now=now, quiet=quiet, before=before)


def tell(
    event: Event,
    kind: Message.Kind,
    *,
    now: datetime,
    registrations: Iterable[Registration] | None = None,
    quiet: timedelta = timedelta(0),
    before: Told | None = None,
    organizer: bool = False,
    first: bool = False,
) -> None:
    """One open Message for each (all that are registered, if none are named), in the caller's transaction; with `organizer` one more for
    that person. What waits of the same kind is replaced and counted from what people last knew. `first`: nothing can be waiting."""
    from booking.tasks import send_messages

    if registrations is None:
        registrations = event.registrations.filter(status=Registration.Status.REGISTERED).select_related("customer")
    told = list(registrations)
    heard = {} if first else take_back(told, kind)
    context = {"before": before.as_json()} if before else {}
    rows = []
    for one in told:
        addresses = [(Message.Audience.CUSTOMER, one.customer.email)]
        if organizer and event.organizer.email != one.customer.email:
            addresses.append((Message.Audience.EMPLOYEE, event.organizer.email))
        rows += [
            Message(
                kind=kind,
                audience=audience,
                registration=one,
                version=one.version,
                recipient=address,
                context=heard.get((one.pk, address)) or context,
                not_before=now + quiet,
            )
            for audience, address in addresses
        ]
    Message.objects.bulk_create(rows)
    if rows and not quiet:  # else there is nothing to send yet; the clock will look
        wake_after_commit(send_messages)


def told(message: Message) -> Told | None:
    """What the last mail about the registration to the same address said; None if there was none."""
    sent = Message.objects.filter(registration=message.registration_id, recipient=message.recipient, state=Message.State.SENT)
    last = sent.exclude(pk=message.pk).order_by("-sent_at", "-pk").first()
    said = last.context.get("told") if last else None
    return from_json(said) if said else None


def before(message: Message) -> Told | None:
    """What the recipient knew before the change: what was told, else what was noted with the change."""
    return told(message) or (from_json(message.context["before"]) if "before" in message.context else None)


def needless(message: Message) -> str:
    """Why the message need not be sent any more; empty if it must. Looked at when it is about to be sent."""
    registration = message.registration
    assert registration is not None
    here, said = current(registration), told(message)
    if message.kind == Kind.WITHDRAWN:
        if registration.is_live:
            return "The registration is live again."
    elif not registration.is_live:
        return "The registration has ended."
    elif message.kind == Kind.EVENT_CANCELLED:
        if registration.event.is_live:
            return "The event takes place again."
    elif not registration.event.is_live:
        return "The event has been cancelled."
    later = Message.objects.filter(registration=registration, recipient=message.recipient, version__gt=message.version, state=Message.State.SENT)
    if said == here or later.exists():
        return "The recipient has already been told."
    if (
        message.kind == Kind.EVENT_CHANGED
        and said is None
        and (known := before(message)) is not None
        and replace(known, places=here.places, status=here.status) == here
    ):
        return "It is as people knew it again."
    return ""
