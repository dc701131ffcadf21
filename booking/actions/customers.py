"""Knows customers again."""

from __future__ import annotations

from dataclasses import dataclass

from booking.models import Customer
from booking.models.quick import select


@dataclass(frozen=True, slots=True)
class Guest:
    """Who books, as typed into a form. `language` and `timezone` are those of the booking."""

    first_name: str
    email: str
    last_name: str = ""
    phone: str = ""
    language: str = "de"
    timezone: str = "Europe/Berlin"


def recognise(guest: Guest) -> tuple[Customer, bool]:
    """The customer of that address and name, or a new one that is still to be saved; and whether the address was known before. A stranger who types
    a known address changes nothing that is stored."""
    same_address = select(Customer, "UPPER(email) = UPPER(%s) ORDER BY id", guest.email)
    typed = (guest.first_name, guest.last_name, guest.phone)
    for known in same_address:
        if (known.first_name, known.last_name, known.phone) == typed:
            return known, True
    return Customer(first_name=guest.first_name, last_name=guest.last_name, email=guest.email, phone=guest.phone), bool(same_address)


def edit(customer: Customer, *, first_name: str, last_name: str, phone: str) -> None:
    """What a customer corrects. The address stays: whoever reads its mail is who may do this."""
    customer.first_name, customer.last_name, customer.phone = first_name, last_name, phone
    customer._change_reason = "customer's link"  # type: ignore[attr-defined]  # simple-history reads it
    customer.save()
