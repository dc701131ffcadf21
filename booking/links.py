"""Signed links in mails: purpose, id and version inside, nothing that is shown elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from django.conf import settings
from django.core import signing
from django.urls import reverse

from booking.models import Attendance, Customer, Employee, Registration, Status, WaitingEntry

Decision = Literal["approve", "reject"]

# 16 bytes of the uuid plus version, signed: the link dies when the version is raised (RFC 4648 text, safe in a path).
_manage = signing.Signer(salt="kalends.manage")
_registration = signing.Signer(salt="kalends.registration")
_waiting = signing.Signer(salt="kalends.waiting")
_panel = signing.Signer(salt="kalends.panel")
_feed = signing.Signer(salt="kalends.feed")
_diary = signing.Signer(salt="kalends.diary")
# Each good for one decision only.
_decide = {"approve": signing.Signer(salt="kalends.approve"), "reject": signing.Signer(salt="kalends.reject")}


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


def feed_url(customer: Customer) -> str:
    """The calendar of all bookings, to subscribe to; it opens nothing else, since calendar programs keep and pass on addresses."""
    return settings.SITE_URL.rstrip("/") + reverse("booking:feed", args=[_feed.sign(f"{customer.pk}.{customer.link_version}")])


def diary_url(employee: Employee) -> str:
    """The employee's diary, to subscribe to."""
    return settings.SITE_URL.rstrip("/") + reverse("booking:diary_feed", args=[_diary.sign(f"{employee.pk}.{employee.feed_version}")])


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
    return WaitingEntry.objects.select_related("service", "employee", "customer", "attendance").filter(uuid=uuid).first()


def customer_for(token: str) -> Customer | None:
    return _customer(_panel, token)


def subscriber_for(token: str) -> Customer | None:
    """Whose bookings a feed shows."""
    return _customer(_feed, token)


def diary_for(token: str) -> Employee | None:
    """Whose diary a feed shows; nobody's once the employee may no longer sign in."""
    pk, version = _read(_diary, token) or (0, 0)
    return Employee.objects.select_related("calendar").filter(pk=pk, feed_version=version, user__is_active=True).first()


def _customer(signer: signing.Signer, token: str) -> Customer | None:
    pk, version = _read(signer, token) or (0, 0)
    return Customer.objects.filter(pk=pk, link_version=version).first()


def _read(signer: signing.Signer, token: str) -> tuple[int, int] | None:
    try:
        pk, _, version = signer.unsign(token).partition(".")
    except signing.BadSignature:
        return None
    return int(pk), int(version)


def decision_url(attendance: Attendance, employee: Employee, decision: Decision) -> str:
    """Where this employee approves (or rejects) the request; absolute, for the employee's mail alone."""
    token = _decide[decision].sign(f"{attendance.uuid.hex}.{attendance.link_version}.{employee.pk}")
    return settings.SITE_URL.rstrip("/") + reverse(f"booking:request_{decision}", args=[token])


@dataclass(frozen=True, slots=True)
class Request:
    """What a link to approve or reject stands for; `is_open` as long as it is the same request and still waits. With time or staff the version changes."""

    attendance: Attendance
    employee: Employee
    is_open: bool


def request_for(token: str, decision: Decision) -> Request | None:
    """None when it is forged, made for the other decision or unknown."""
    try:
        uuid, version, employee = _decide[decision].unsign(token).split(".")
    except signing.BadSignature:
        return None
    attendance = Attendance.objects.select_related("appointment__service", "appointment__location", "customer").filter(uuid=uuid).first()
    who = Employee.objects.select_related("calendar").filter(pk=int(employee)).first()
    if attendance is None or who is None:
        return None
    appointment = attendance.appointment
    return Request(attendance, who, attendance.link_version == int(version) and Status.PENDING == appointment.status == attendance.status)
