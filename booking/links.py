"""Signed links for customers: purpose, id and version inside, nothing that is shown elsewhere."""

from __future__ import annotations

from django.conf import settings
from django.core import signing
from django.urls import reverse

from booking.models import Attendance, Customer, Registration, WaitingEntry

# 16 bytes of the uuid plus version, signed: the link dies when the version is raised (RFC 4648 text, safe in a path).
_manage = signing.Signer(salt="kalends.manage")
_registration = signing.Signer(salt="kalends.registration")
_waiting = signing.Signer(salt="kalends.waiting")
_panel = signing.Signer(salt="kalends.panel")


def manage_token(attendance: Attendance) -> str:
    return _manage.sign(f"{attendance.uuid.hex}.{attendance.link_version}")


def registration_token(registration: Registration) -> str:
    return _registration.sign(f"{registration.uuid.hex}.{registration.link_version}")


def waiting_token(entry: WaitingEntry) -> str:
    return _waiting.sign(entry.uuid.hex)


def panel_token(customer: Customer) -> str:
    return _panel.sign(f"{customer.pk}.{customer.link_version}")


def manage_url(attendance: Attendance) -> str:
    """Where the customer sees, moves and cancels this booking; absolute, for mails and the API."""
    return settings.SITE_URL.rstrip("/") + reverse("booking:manage", args=[manage_token(attendance)])


def registration_url(registration: Registration) -> str:
    """Where the customer sees and cancels a registration; absolute."""
    return settings.SITE_URL.rstrip("/") + reverse("booking:registration", args=[registration_token(registration)])


def waiting_url(entry: WaitingEntry) -> str:
    """Where whoever waits sees what is free, takes it or leaves the list; absolute."""
    return settings.SITE_URL.rstrip("/") + reverse("booking:waiting", args=[waiting_token(entry)])


def panel_url(customer: Customer) -> str:
    return settings.SITE_URL.rstrip("/") + reverse("booking:panel", args=[panel_token(customer)])


def attendance_for(token: str) -> Attendance | None:
    """The attendance a link stands for; None when it is forged, outdated or unknown: the caller can't tell which."""
    try:
        uuid, _, version = _manage.unsign(token).partition(".")
    except signing.BadSignature:
        return None
    return Attendance.objects.select_related("appointment__service", "customer").filter(uuid=uuid, link_version=int(version)).first()


def registration_for(token: str) -> Registration | None:
    """The same for a registration."""
    try:
        uuid, _, version = _registration.unsign(token).partition(".")
    except signing.BadSignature:
        return None
    found = Registration.objects.select_related("event__location", "event__organizer", "customer")
    return found.filter(uuid=uuid, link_version=int(version)).first()


def waiting_for(token: str) -> WaitingEntry | None:
    """The same for an entry of the waiting list; its link lives as long as the entry."""
    try:
        uuid = _waiting.unsign(token)
    except signing.BadSignature:
        return None
    return WaitingEntry.objects.select_related("service__location", "employee", "customer", "attendance").filter(uuid=uuid).first()


def customer_for(token: str) -> Customer | None:
    try:
        pk, _, version = _panel.unsign(token).partition(".")
    except signing.BadSignature:
        return None
    return Customer.objects.filter(pk=int(pk), link_version=int(version)).first()
