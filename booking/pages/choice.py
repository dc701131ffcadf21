"""What has been chosen so far, as the address says: location, employee and extras; and what that costs and takes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest

from booking.actions import extras
from booking.actions.extras import Chosen
from booking.availability import Wanted
from booking.extras import ExtrasForm, extras_of, is_asked
from booking.models import Employee, Location, Offer, Service, SpecialDay, WorkingHours

ANYONE = "any"


@dataclass(frozen=True, slots=True)
class Quote:
    """Price and length (minutes). Where "anyone" is wished they may depend on who it will be: then they are what it is at least."""

    price: Decimal
    minutes: int
    exact_price: bool = True
    exact_minutes: bool = True
    persons: int = 1

    @property
    def length(self) -> timedelta:
        return timedelta(minutes=self.minutes)


@dataclass(frozen=True, slots=True)
class Choice:
    """`employee` is None for anyone; `offers` are those of all who come into question. `location` is None where there are no several."""

    employee: Employee | None
    offers: Sequence[Offer]
    chosen: Sequence[Chosen]
    location: Location | None = None
    persons: int = 1

    @property
    def candidates(self) -> list[Employee]:
        return [one.employee for one in self.offers]

    @property
    def wanted(self) -> Wanted:
        """As the search for slots is asked."""
        return {"employees": self.candidates, **self.near}

    @property
    def near(self) -> Wanted:
        """The same for the nearest times."""
        return {"added": self.added, "location": self.location, "persons": self.persons}

    @property
    def added(self) -> timedelta:
        return extras.added(self.chosen)

    def quote(self, *, among: Collection[int] = ()) -> Quote:
        """`among`: ids of the employees who are free, if that is known."""
        return quote([one for one in self.offers if not among or one.employee_id in among], self.chosen, self.persons)


def quote(offers: Sequence[Offer], chosen: Sequence[Chosen] = (), persons: int = 1) -> Quote:
    prices, lengths = [one.its_price for one in offers], [one.its_duration for one in offers]
    added = extras.added(chosen) // timedelta(minutes=1)
    return Quote(min(prices) * persons + extras.price_of(chosen), min(lengths) + added, len(set(prices)) == 1, len(set(lengths)) == 1, persons)


def location_of(request: HttpRequest, service: Service) -> Location | None:
    """The one the address names; None where the service has no several to choose from."""
    places = list(service.locations.all())
    return next((one for one in places if str(one.pk) == request.GET.get("location")), None) if len(places) > 1 else None


def offers_of(service: Service, location: Location | None = None) -> list[Offer]:
    """Of those who take bookings, in the employees' order; at a location only of those who ever work there."""
    active = service.offers.filter(employee__is_active=True).select_related("employee")
    if location is not None:
        there = Q(location=None) | Q(location=location)
        hours, days = (kind.objects.filter(there, calendar=OuterRef("employee__calendar")) for kind in (WorkingHours, SpecialDay))
        active = active.filter(Exists(hours) | Exists(days))
    return list(active.order_by("employee__position", "employee__first_name", "employee__last_name", "employee"))


def extras_form(request: HttpRequest, service: Service) -> ExtrasForm | None:
    """Filled with what the address says; None where the service has none and nobody asks for any."""
    asked = is_asked(request.GET)
    if not service.has_extras and not asked:
        return None
    return ExtrasForm(request.GET if asked else None, extras=extras_of(service) if service.has_extras else [])


def choice_of(request: HttpRequest, service: Service) -> Choice | None:
    """None if there is still something to choose, or to put right."""
    form = extras_form(request, service)
    if form is not None and form.is_bound and not form.is_valid():
        return None
    location = location_of(request, service)
    if location is None and len(service.locations.all()) > 1:
        return None
    chosen = form.chosen if form is not None and form.is_bound else []
    offers, wanted, persons = offers_of(service, location), request.GET.get("employee", ""), persons_of(request, service)
    if offers and service.collective:
        return Choice(None, offers, chosen, location, persons)
    if len(offers) == 1:
        return Choice(offers[0].employee, offers, chosen, location, persons)
    if offers and wanted == ANYONE:
        return Choice(None, offers, chosen, location, persons)
    for one in offers:
        if str(one.employee_id) == wanted:
            return Choice(one.employee, [one], chosen, location, persons)
    return None


def persons_of(request: HttpRequest, service: Service) -> int:
    """How many come, as far as has been said: what makes no sense is one."""
    text = request.POST.get("persons") or request.GET.get("persons", "")
    return min(int(text), service.max_capacity) if text.isascii() and text.isdecimal() and 0 < len(text) < 5 and int(text) else 1
