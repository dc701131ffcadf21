"""What a link's calendar has to do with an item that several people serve: who leads, who finds a copy, who gets an event of its own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from booking.models import Employee
from integrations import registry
from integrations.decide import Part, part
from integrations.items import Event, Person
from integrations.local.projection import Projection, elsewhere
from integrations.models import Link, Pair
from integrations.rules import Resolved, resolve

MOST = 200  # "Invite users to an event" (Google Calendar API): attendees of one event; Exchange takes 500
ENDED = [Pair.State.CLOSED, Pair.State.UNLINKED]


def part_of(kind: str, item_id: int, link: Link, pair: Pair | None, staff: Sequence[Employee], now: datetime, *, shown: Callable[[Resolved], bool]) -> Part:
    """`staff`: who serves it, the organiser first. `shown`: whether a link with that rule shows it."""
    if not staff or staff[0].calendar_id == link.calendar_id:
        return Part.LEAD
    event = leading(kind, item_id, staff[0].calendar_id)
    return part(leads=False, copies=_copies(link, staff[0].calendar_id, kind, shown), has=_has(pair, event), waited=_waited(pair, now))


def leading(kind: str, item_id: int, calendar_id: int) -> Pair | None:
    """The organiser's event."""
    found = Pair.objects.filter(kind=kind, item_id=item_id, link__calendar=calendar_id).exclude(mode=Pair.Mode.COPY)
    return found.exclude(state__in=ENDED).select_related("link").first()


def _copies(link: Link, organizer: int, kind: str, shown: Callable[[Resolved], bool]) -> bool:
    """Whether the organiser's calendar shows it and puts a copy into this one."""
    lead = Link.objects.select_related("account").filter(calendar=organizer, writes=True).first()
    if lead is None or not copies_to_attendees(lead) or lead.account.identity.lower() == link.account.identity.lower():
        return False
    rule = resolve(lead, kind)
    return rule.sends and shown(rule)


def copies_to_attendees(link: Link) -> bool:
    config = registry.providers().get(link.account.provider)
    return config is not None and config.capabilities.copies_to_attendees


def _has(pair: Pair | None, event: Pair | None) -> str:
    if pair is None or pair.state in ENDED:
        return ""
    if pair.mode != Pair.Mode.COPY:
        return "own"
    return "copy" if pair.state != Pair.State.CREATING and event is not None and event.uid == pair.uid else ""


def _waited(pair: Pair | None, now: datetime) -> bool:
    return pair is not None and pair.state == Pair.State.CREATING and pair.wait_until is not None and pair.wait_until <= now


def invited(staff: Sequence[Employee], link: Link) -> tuple[Person, ...]:
    """Everybody but the organiser, under the address of the calendar each has connected: there the copy shall come. Nobody can invite oneself."""
    found: dict[str, Person] = {}
    emails = addresses(staff)
    for one in staff[1:]:
        found.setdefault(emails[one.calendar_id].lower(), Person(email=emails[one.calendar_id], name=one.full_name))
    found.pop(link.account.identity.lower(), None)
    return tuple(found.values())


def addresses(staff: Sequence[Employee]) -> dict[int, str]:
    """By calendar, where each can be invited: as the connected account, else at the own address."""
    linked = Link.objects.filter(calendar__in=[one.calendar_id for one in staff], writes=True)
    identities = dict(linked.values_list("calendar", "account__identity"))
    return {one.calendar_id: known if "@" in (known := identities.get(one.calendar_id, "")) else one.email for one in staff}


def leads(calendars: Sequence[int], link: Link) -> bool:
    """Whether what is done to the event in the link's calendar counts for the item: it does in the organiser's."""
    return not calendars or calendars[0] == link.calendar_id


def staying(staff: Sequence[Employee], removed: Collection[str]) -> list[Employee]:
    """Who is left when those with these addresses (lower case) are taken off; the organiser always is."""
    known = addresses(staff)
    return [one for one in staff if one is staff[0] or known[one.calendar_id].lower() not in removed]


def attendees(part: Part, staff: Sequence[Employee], link: Link, customers: Sequence[Person], *, hides_attendees: bool) -> tuple[Person, ...]:
    """Who is written on a link's event: on the organiser's the others who serve and the customers, on anybody else's nobody.

    Customers never see each other, nor addresses of the staff: where attendees can't be hidden from each other, a customer is only written alone.
    Calendars take so many attendees and no more; then all the customers are left to our mails.
    """
    if part is not Part.LEAD:
        return ()
    others = invited(staff, link) if len(staff) > 1 else ()
    addresses = {one.email.lower() for one in others}
    guests = [one for one in customers if one.email.lower() not in addresses]
    return (*others, *guests) if len(others) + len(guests) in (range(MOST + 1) if hides_attendees else (1,)) else others


def projection(kind: str, item_id: int, link: Link, pair: Pair | None, part: Part, event: Callable[[], Event]) -> Projection:
    """What a link is to do about an item that belongs into its calendar."""
    if part is Part.COPY:
        return Projection(leave=True)
    if (found := elsewhere(kind, item_id, link, pair)) is not None:
        return found
    copied = Pair.objects.filter(kind=kind, item_id=item_id, link__calendar=link.calendar_id, mode=Pair.Mode.COPY, state=Pair.State.LIVE)
    if copied.exclude(link=link).exists():
        return Projection(leave=True)  # the copy came to another of the owner's calendars
    return Projection(leave=True, wait=True) if part is Part.WAIT else Projection(event())


def invites_customers(kind: str, calendars: Sequence[int]) -> bool:
    """Whether the organiser's calendar invites the customers itself, as its rule says."""
    lead = Link.objects.select_related("account").filter(calendar__in=calendars[:1], writes=True).first()
    if lead is None or not copies_to_attendees(lead):
        return False
    rule = resolve(lead, kind)
    return rule.sends and rule.attendees
