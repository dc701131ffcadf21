"""Writes customers."""

from __future__ import annotations

from dataclasses import dataclass

from booking.models import Customer


@dataclass(frozen=True, slots=True)
class Guest:
    """Who books, as typed into a form. `language` and `timezone` are those of the booking."""

    first_name: str
    email: str
    last_name: str = ""
    phone: str = ""
    language: str = "de"
    timezone: str = "Europe/Berlin"


def remember(guest: Guest) -> Customer:
    """The customer of that address and name, or a new one. A stranger who types a known address changes nothing that is stored."""
    known = Customer.objects.filter(email__iexact=guest.email, first_name=guest.first_name, last_name=guest.last_name, phone=guest.phone).first()
    if known is not None:
        return known
    customer = Customer(first_name=guest.first_name, last_name=guest.last_name, email=guest.email, phone=guest.phone)
    customer.save()
    return customer
