"""The whitelist: every placeholder there is, where it may stand, and a sample for previews."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from booking.notifications.placeholders.moments import Moment

Where = Literal["calendar", "mail", "customer", "employee", "registrant", "organizer", "event", "guest", "waiting"]

# Where a placeholder may stand. Guests may be invited to the calendar's event, so nothing secret goes there:
# no link with a token, no internal note on a person.
EVERYWHERE = frozenset({"calendar", "customer", "employee"})
MAIL = frozenset({"customer", "employee"})
CUSTOMER = frozenset({"customer"})
STAFF = frozenset({"calendar", "employee"})
EMPLOYEE = frozenset({"employee"})
# Mails about an event: to whoever has registered, and to its organiser.
REGISTRANT = frozenset({"registrant"})
EVENT = frozenset({"registrant", "organizer"})
ORGANIZER = frozenset({"organizer"})
WAITING = frozenset({"waiting"})
OF_WAITING = ("company_", "customer_full", "customer_first", "customer_last", "employee_full", "category_", "service_", "location_", "time_zone")
OF_EVENT = ("company_", "employee_", "location_", "event_", "time_zone")
NOT_IN_CALENDARS = ("event_previous_times", "event_cancel_url", "employee_panel_url")
# What a list says of each person in it.
OF_GUEST = ("customer_full_name", "customer_first_name", "customer_last_name", "customer_email", "customer_phone", "booked_customer", "booking_notes")
SHARED = EVERYWHERE | EVENT

_START, _END = datetime(2030, 11, 20, 13, 30, tzinfo=UTC), datetime(2030, 11, 20, 14, 15, tzinfo=UTC)
_OLD_START, _OLD_END = datetime(2030, 11, 19, 9, 0, tzinfo=UTC), datetime(2030, 11, 19, 9, 45, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Placeholder:
    """`name` without the signs; `sample` is what a preview shows. A Moment takes a format: `%appointment_date:EEE d MMM%`."""

    name: str
    group: str | Promise
    description: str | Promise
    sample: str | Moment
    places: frozenset[str] = SHARED


def allowed_in(where: Where) -> list[Placeholder]:
    """All that are filled there, in the order to list them: the fixed ones, then those of the shop's own questions and extras, which are rows."""
    from booking.notifications.placeholders.own import own_placeholders

    return [*fixed_in(where), *(one for one in own_placeholders() if where in one.places or (where == "mail" and one.places & MAIL))]


def fixed_in(where: Where) -> list[Placeholder]:
    """Those that are filled there, in the order to list them: "mail" are the mails about an appointment to anybody, "customer" and "employee" those to
    one side; "registrant" and "organizer" the mails about an event, "event" its entry in the calendars of those who give it: no word of who comes;
    "guest" the texts of lists, for one person each; "waiting" the mails about the waiting list."""
    if where == "waiting":
        of_it = [one for one in PLACEHOLDERS if one.name.startswith(OF_WAITING) or one.places & WAITING]
        return [one for one in of_it if not one.name.startswith("service_extra")]  # they are chosen with the time
    if where == "event":
        return [one for one in PLACEHOLDERS if one.name.startswith(OF_EVENT) and one.places & EVENT and one.name not in NOT_IN_CALENDARS]
    if where == "guest":
        return [one for one in PLACEHOLDERS if one.name in OF_GUEST]
    return [one for one in PLACEHOLDERS if where in one.places or (where == "mail" and one.places & MAIL)]


def _group(title: str | Promise, *rows: tuple[object, ...]) -> list[Placeholder]:
    return [Placeholder(row[0], title, *row[1:]) for row in rows]  # type: ignore[arg-type]


PLACEHOLDERS: tuple[Placeholder, ...] = (
    *_group(
        _("Company"),
        ("company_name", _("name of the company"), "Salon Kalends"),
        ("company_address", _("its address"), "Lindenstraße 1, 10969 Berlin"),
        ("company_phone", _("its phone number"), "+49 30 1234567"),
        ("company_email", _("its e-mail address"), "salon@example.org"),
        ("company_website", _("its website"), "https://example.org"),
        ("booking_page_url", _("address of the booking page"), "https://example.org/", MAIL | EVENT | WAITING),
    ),
    *_group(
        _("Customer"),
        ("customer_full_name", _("first and last name"), "Clara Kunde"),
        ("customer_first_name", _("first name"), "Clara"),
        ("customer_last_name", _("last name"), "Kunde"),
        ("customer_email", _("e-mail address"), "clara@example.org"),
        ("customer_phone", _("phone number"), "+49 30 901820"),
        ("customer_phone_local", _("phone number without the plus sign"), "49 30 901820"),
        ("customer_phone_country", _("country code of the phone number, without the plus sign"), "49"),
        ("customer_note", _("internal note on the customer"), _("Prefers mornings"), EMPLOYEE | ORGANIZER),
        ("booked_customer", _("name, phone and e-mail of the customer whose booking this is"), "Clara Kunde, +49 30 901820, clara@example.org", MAIL | EVENT),
        ("customer_panel_url", _("link to all bookings of the customer"), "https://example.org/mine/…/", CUSTOMER | REGISTRANT),
    ),
    *_group(
        _("Employee"),
        ("employee_full_name", _("first and last name"), "Emma Weber"),
        ("employee_first_name", _("first name"), "Emma"),
        ("employee_last_name", _("last name"), "Weber"),
        ("employee_email", _("e-mail address"), "emma@example.org"),
        ("employee_phone", _("phone number"), "+49 30 7654321"),
        ("employee_description", _("public description"), _("Colour and cut")),
        ("employee_name_email_phone", _("name, e-mail and phone of everybody who serves it, one a line"), "Emma Weber, emma@example.org, +49 30 7654321"),
        ("employee_panel_url", _("link to the employee's own diary, behind the sign-in"), "https://example.org/profile/", EMPLOYEE | ORGANIZER),
        ("employee_note", _("internal note on the employee"), _("Second floor"), EMPLOYEE | ORGANIZER),
    ),
    *_group(
        _("Service"),
        ("category_name", _("category"), _("Hair"), EVERYWHERE),
        ("service_name", _("service"), _("Haircut"), EVERYWHERE),
        ("service_description", _("description"), _("Wash, cut and dry"), EVERYWHERE),
        ("service_duration", _("usual length"), "45 min", EVERYWHERE),
        ("service_price", _("list price"), "35,00 €", EVERYWHERE),
        ("service_extras", _("chosen extras, one a line"), _("Hot towel"), EVERYWHERE),
        ("service_extras_details", _("chosen extras with quantity and price, one a line"), _("2 × Hot towel: 10.00 €"), EVERYWHERE),
        ("reservation_name", _("what is booked"), _("Haircut"), MAIL | EVENT | WAITING),
        ("reservation_description", _("its description"), _("Wash, cut and dry"), MAIL | EVENT),
    ),
    *_group(
        _("Location"),
        ("location_name", _("name"), "Salon Kalends"),
        ("location_address", _("address"), "Lindenstraße 1, 10969 Berlin"),
        ("location_phone", _("phone number"), "+49 30 1234567"),
        ("location_description", _("description"), _("In the yard, first door")),
    ),
    *_group(
        _("Appointment"),
        ("appointment_id", _("number"), "1024", EVERYWHERE),
        ("appointment_date", _("date"), Moment(_START, "en", "date"), EVERYWHERE),
        ("appointment_date_time", _("date and time"), Moment(_START, "en", "date_time"), EVERYWHERE),
        ("appointment_start_time", _("start"), Moment(_START, "en", "time"), EVERYWHERE),
        ("appointment_end_time", _("end"), Moment(_END, "en", "time"), EVERYWHERE),
        ("appointment_previous_date", _("old date, when it has been moved"), Moment(_OLD_START, "en", "date"), MAIL),
        ("appointment_previous_date_time", _("old date and time"), Moment(_OLD_START, "en", "date_time"), MAIL),
        ("appointment_previous_start_time", _("old start"), Moment(_OLD_START, "en", "time"), MAIL),
        ("appointment_previous_end_time", _("old end"), Moment(_OLD_END, "en", "time"), MAIL),
        ("time_zone", _("time zone of the times shown"), "Europe/Berlin"),
        ("appointment_duration", _("length"), "45 min", EVERYWHERE),
        ("appointment_status", _("status"), _("approved"), EVERYWHERE),
        ("appointment_price", _("price of all bookings in it"), "35,00 €", EVERYWHERE),
        ("booking_price", _("price of this booking"), "35,00 €", MAIL),
        ("booking_notes", _("what the customer wrote"), _("I am allergic to henna")),
        ("appointment_notes", _("internal note on the appointment"), _("Bring the new scissors"), STAFF),
        ("number_of_persons", _("number of persons"), "1", EVERYWHERE | WAITING),
        ("booking_persons", _("persons of this booking, where several can come"), "2", MAIL | WAITING),
        ("group_appointment_details", _("all who come, by the text for the list; a customer reads only the own name"), "Name: Clara Kunde", MAIL),
        ("appointment_manage_url", _("link to see, move or cancel the booking"), "https://example.org/booking/…/", CUSTOMER),
        ("appointment_reschedule_url", _("link to move the booking"), "https://example.org/booking/…/reschedule/", CUSTOMER),
        ("appointment_cancel_url", _("link to cancel the booking"), "https://example.org/booking/…/cancel/", CUSTOMER),
        ("appointment_approve_url", _("link to approve the request; empty once it is answered"), "https://example.org/request/…/approve/", EMPLOYEE),
        ("appointment_reject_url", _("link to reject the request; empty once it is answered"), "https://example.org/request/…/reject/", EMPLOYEE),
    ),
    *_group(
        _("Waiting list"),
        ("waiting_days", _("days for which the customer waits"), "20 Nov 2030 – 22 Nov 2030", WAITING),
        ("waiting_times", _("times that are free now, one a line"), "20 Nov 2030, 13:30–14:15", WAITING),
        ("waiting_url", _("link to take one of the times"), "https://example.org/waiting/…/", WAITING),
        ("waiting_withdraw_url", _("link to leave the waiting list"), "https://example.org/waiting/…/withdraw/", WAITING),
    ),
    *_group(
        pgettext_lazy("to register for", "Event"),
        ("event_name", _("name"), _("Perfume evening"), EVENT),
        ("event_description", _("description"), _("Three scents to take home"), EVENT),
        ("event_date", _("date on which it begins"), Moment(_START, "en", "date"), EVENT),
        ("event_start_date", _("date on which it begins"), Moment(_START, "en", "date"), EVENT),
        ("event_start_date_time", _("date and time of its start"), Moment(_START, "en", "date_time"), EVENT),
        ("event_start_time", _("start"), Moment(_START, "en", "time"), EVENT),
        ("event_end_date", _("date on which it ends"), Moment(_END, "en", "date"), EVENT),
        ("event_end_date_time", _("date and time of its end"), Moment(_END, "en", "date_time"), EVENT),
        ("event_end_time", _("end"), Moment(_END, "en", "time"), EVENT),
        ("event_period_date", _("all days on which it takes place, one a line"), "20 Nov 2030", EVENT),
        ("event_period_date_time", _("all times at which it takes place, one a line"), "20 Nov 2030, 13:30–14:15", EVENT),
        ("event_periods", _("all times at which it takes place, one a line"), "20 Nov 2030, 13:30–14:15", EVENT),
        ("event_times", _("all times at which it takes place, one a line"), "20 Nov 2030, 13:30–14:15", EVENT),
        ("event_previous_times", _("its times before it was changed"), "19 Nov 2030, 9:00–9:45", EVENT),
        ("event_id", _("number"), "7", EVENT),
        ("event_location", _("place and address"), "Salon Kalends, Lindenstraße 1, 10969 Berlin", EVENT),
        ("event_url", _("its page"), "https://example.org/events/perfume-evening/", EVENT),
        ("event_places", _("number of places"), "12", EVENT),
        ("event_places_taken", _("places that are taken"), "7", ORGANIZER),
        ("group_event_details", _("all who have registered, by the text for the list"), "Name: Clara Kunde", ORGANIZER),
        ("number_of_places", _("places of this registration"), "2", EVENT),
        ("registration_status", _("status of this registration"), _("registered"), EVENT),
        ("registration_manage_url", _("link to see or cancel the registration"), "https://example.org/registration/…/", REGISTRANT),
        ("registration_cancel_url", _("link to cancel the registration"), "https://example.org/registration/…/cancel/", REGISTRANT),
        ("event_cancel_url", _("link to cancel the registration"), "https://example.org/registration/…/cancel/", REGISTRANT),
    ),
)
