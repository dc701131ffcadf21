"""The values of the placeholders for one booking, or for one appointment in a calendar."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import ngettext, override

from booking import links
from booking.models import Appointment, Attendance, Customer, Employee, Location, Message, Registration, Status
from booking.models.calendar import timezones
from booking.notifications import texts
from booking.notifications.placeholders.escaping import unlinked
from booking.notifications.placeholders.filling import Value, fill, is_own
from booking.notifications.placeholders.known import Where, allowed_in, fixed_in
from booking.notifications.placeholders.moments import Moment
from booking.notifications.placeholders.own import own_values

# Calling codes of two digits; those that begin with 1 and 7 have one, all others three.
CODES_OF_TWO = frozenset({20, 27, *range(30, 35), 36, 39, 40, 41, *range(43, 50), *range(51, 59), *range(60, 67), 81, 82, 84, 86, *range(90, 96), 98})

logger = logging.getLogger(__name__)


def values_for(
    attendance: Attendance,
    *,
    audience: str,
    language: str,
    timezone: str,
    previous: tuple[datetime, datetime] | None = None,
    employee: Employee | None = None,
) -> dict[str, Value]:
    """For a mail about one booking; `previous` are the start and end it had before, `employee` the one it goes to. What a guest typed can't become a link.

    A customer is told of nobody else; to an employee the customer placeholders are lists of all who come.
    """
    to_customer = audience == Message.Audience.CUSTOMER
    appointment, customer = attendance.appointment, attendance.customer
    others = [] if to_customer else [one for one in _coming(appointment) if one.pk != attendance.pk]
    guests = [attendance, *others]
    values = _shared(appointment, guests, language, timezone, files=not to_customer)
    values |= of_guest(customer, values)
    with override(language):
        values["appointment_status"] = str(attendance.get_status_display())
    values["booking_notes"] = unlinked(attendance.notes)
    values["booking_price"] = price(attendance.price, language)
    values["booking_persons"] = str(attendance.persons) if appointment.service.is_group else ""
    values["reservation_name"], values["reservation_description"] = values["service_name"], values["service_description"]
    values["booking_page_url"] = settings.SITE_URL.rstrip("/") + "/"
    values |= _previous(previous, language, timezone)
    values["group_appointment_details"] = listed(audience, "group_appointment_details", language, guests)
    if to_customer:
        token = links.manage_token(attendance)
        for name in ("manage", "manage_reschedule", "manage_cancel"):
            values[f"appointment_{name.removeprefix('manage_')}_url"] = settings.SITE_URL.rstrip("/") + reverse(f"booking:{name}", args=[token])
        values["customer_panel_url"] = links.panel_url(customer)
    else:
        values["employee_panel_url"] = settings.SITE_URL.rstrip("/") + reverse("booking:profile")
        decides = employee is not None and attendance.status == Status.PENDING
        values["appointment_approve_url"] = links.decision_url(attendance, employee, "approve") if employee and decides else ""
        values["appointment_reject_url"] = links.decision_url(attendance, employee, "reject") if employee and decides else ""
    return only(values, "customer" if to_customer else "employee")


def values_for_calendar(appointment: Appointment, language: str, *, discreet: bool = False) -> dict[str, Value]:
    """For titles and descriptions in the staff's calendars: several customers are joined by commas, and no link carries a token. `discreet`: the customers
    read it too, so nothing in it tells one of the others, nor what the staff noted."""
    employee = appointment.employees.select_related("calendar").order_by("pk").first()
    zone = employee.calendar.timezone if employee else settings.TIME_ZONE
    guests = _coming(appointment) or list(_with_options(appointment))
    values = _shared(appointment, guests, language, zone)
    if discreet:
        values["appointment_notes"] = ""
    if discreet and len(guests) > 1:
        values |= {name: "" for name in values if name.startswith(("customer_", "booking_", "custom_field_", "service_extra"))}
        with override(language):
            persons = sum(one.persons for one in guests)
            values["customer_full_name"] = ngettext("%d person", "%d persons", persons) % persons
    return only(values, "calendar")


def samples(where: Where, language: str) -> dict[str, Value]:
    """The values that a preview shows while a text is being written."""
    with override(language):
        return {
            one.name: replace(one.sample, at=in_zone(one.sample.at, settings.TIME_ZONE), language=language)
            if isinstance(one.sample, Moment)
            else str(one.sample)
            for one in allowed_in(where)
        }


def price(amount: Decimal, language: str) -> str:
    with override(language):
        return f"{number_format(amount, decimal_pos=2, use_l10n=True)}\u00a0{settings.CURRENCY}"


def duration(length: timedelta) -> str:
    hours, minutes = divmod(int(length.total_seconds()) // 60, 60)
    return " ".join(part for part in (f"{hours} h" if hours else "", f"{minutes} min" if minutes or not hours else "") if part)


def in_zone(moment: datetime, timezone: str) -> datetime:
    """An unknown zone must not keep anybody uninformed: the house's own is used, and `%time_zone%` names it."""
    return moment.astimezone(ZoneInfo(known_zone(timezone)))


def known_zone(timezone: str) -> str:
    if timezone in timezones():
        return timezone
    logger.warning("Unknown time zone of a booking; times are told in %s.", settings.TIME_ZONE)
    return str(settings.TIME_ZONE)


def _coming(appointment: Appointment) -> list[Attendance]:
    return [one for one in _with_options(appointment) if one.is_live]


def _with_options(appointment: Appointment) -> QuerySet[Attendance]:
    return appointment.attendances.select_related("customer").prefetch_related("extras", "answers").order_by("pk")


def only(values: dict[str, Value], where: Where) -> dict[str, Value]:
    """What may be told there, in the order of the list; of the shop's own questions and extras those that have something to say."""
    return {one.name: values[one.name] for one in fixed_in(where)} | {name: value for name, value in values.items() if is_own(name)}


def _shared(appointment: Appointment, guests: Sequence[Attendance], language: str, timezone: str, *, files: bool = False) -> dict[str, Value]:
    service, location = appointment.service, appointment.location
    zone = known_zone(timezone)
    start, end = in_zone(appointment.start, zone), in_zone(appointment.end, zone)
    with override(language):
        status = appointment.get_status_display()
    return {
        **around([one.customer for one in guests], list(appointment.employees.order_by("pk")), location),
        "category_name": service.category.name if service.category else "",
        "service_name": service.name,
        "service_description": service.description,
        "service_duration": duration(timedelta(minutes=service.duration)),
        "service_price": price(service.price, language),
        "appointment_id": str(appointment.pk),
        **_moments("appointment", start, end, language),
        "time_zone": zone,
        "appointment_duration": duration(appointment.end - appointment.start),
        "appointment_status": str(status),
        "appointment_price": price(sum((one.price for one in guests), Decimal(0)), language),
        "booking_notes": _joined(one.notes for one in guests),
        "appointment_notes": appointment.internal_note,
        "number_of_persons": str(sum(one.persons for one in [one for one in guests if one.is_live] or guests)),
        **own_values(guests, language, price, files=files),
    }


def around(customers: Sequence[Customer], employees: Sequence[Employee], location: Location | None) -> dict[str, Value]:
    """What appointments and events have in common: company, people, place."""
    return {
        **{f"company_{name}": settings.COMPANY[name] for name in ("name", "address", "phone", "email", "website")},
        **_people("customer", customers),
        "customer_phone_local": _joined(one.phone.removeprefix("+") for one in customers),
        "customer_phone_country": _joined(country_code(one.phone) for one in customers),
        **_people("employee", employees),
        "employee_name_email_phone": "\n".join(", ".join(part for part in (one.full_name, one.email, one.phone) if part) for one in employees),
        **{f"location_{name}": getattr(location, name) if location else "" for name in ("name", "address", "phone", "description")},
    }


def of_guest(customer: Customer, values: dict[str, Value]) -> dict[str, Value]:
    """What one customer typed, as mails may say it: none of it can become a link."""
    safe: dict[str, Value] = {
        f"customer_{name}": unlinked(str(values[f"customer_{name}"])) for name in ("full_name", "first_name", "last_name", "phone", "phone_local", "note")
    }
    safe["booked_customer"] = ", ".join(part for part in (unlinked(customer.full_name), unlinked(customer.phone), customer.email) if part)
    return safe


def listed(audience: str, kind: str, language: str, guests: Iterable[Attendance | Registration]) -> str:
    """The list that a placeholder stands for: its text once for each, without the lines that would be empty."""
    lines = []
    template = texts.source(audience, kind, language)
    for one in guests:
        people: dict[str, Value] = {f"customer_{name}": getattr(one.customer, name) for name in ("full_name", "first_name", "last_name", "email", "phone")}
        people |= {"customer_phone_local": "", "customer_note": ""}
        values = of_guest(one.customer, people) | {"customer_email": one.customer.email, "booking_notes": unlinked(one.notes)}
        lines.append(fill(template, only(values, "guest")))
    return "\n".join(lines)


def country_code(phone: str) -> str:
    """The country's calling code of an international number (ITU-T E.164): none begins like another. Empty for a national one."""
    digits = "".join(character for character in phone if character.isdecimal())
    if not phone.strip().startswith("+") or not digits:
        return ""
    return digits[: 1 if digits[0] in "17" else 2 if int(digits[:2]) in CODES_OF_TWO else 3]


def _people(prefix: str, people: Sequence[Customer] | Sequence[Employee]) -> dict[str, Value]:
    values: dict[str, Value] = {
        f"{prefix}_{name}": _joined(getattr(one, name) for one in people) for name in ("full_name", "first_name", "last_name", "email", "phone", "note")
    }
    if prefix == "employee":
        values["employee_description"] = _joined(getattr(one, "description", "") for one in people)
    return values


def _moments(prefix: str, start: datetime, end: datetime, language: str) -> dict[str, Value]:
    return {
        f"{prefix}_date": Moment(start, language, "date"),
        f"{prefix}_date_time": Moment(start, language, "date_time"),
        f"{prefix}_start_time": Moment(start, language, "time"),
        f"{prefix}_end_time": Moment(end, language, "time"),
    }


def _previous(previous: tuple[datetime, datetime] | None, language: str, timezone: str) -> dict[str, Value]:
    if previous is None:
        return {f"appointment_previous_{name}": "" for name in ("date", "date_time", "start_time", "end_time")}
    start, end = (in_zone(moment, timezone) for moment in previous)
    return _moments("appointment_previous", start, end, language)


def _joined(values: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(value for value in values if value))
