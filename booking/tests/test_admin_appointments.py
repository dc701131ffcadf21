"""Appointments in the admin: every change goes through an action, and what an action refuses loses nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from booking.actions import appointments
from booking.actions.customers import Guest
from booking.models import Allocation, Appointment, Attendance, Customer, Employee, Message, Service
from booking.tests.salon import BERLIN, make_customer, make_employee, make_service, soon

LIST = "/admin/booking/appointment/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def eve() -> Employee:
    return make_employee("Eve")


@pytest.fixture
def finn() -> Employee:
    return make_employee("Finn")


@pytest.fixture
def service(eve: Employee, finn: Employee) -> Service:
    return make_service(eve, finn)


@pytest.fixture
def appointment(service: Service, eve: Employee) -> Appointment:
    return book(service, eve, 10)


@pytest.fixture
def staff(client: Client, manager) -> Client:
    client.force_login(manager)
    return client


def book(service: Service, employee: Employee, hour: int, minute: int = 0) -> Appointment:
    guest = Guest(first_name="Carla", last_name="Kundin", email="carla@example.org")
    return appointments.book(service=service, start=soon(hour, minute), guest=guest, now=timezone.now(), employee=employee).appointment


def split(name: str, instant: datetime) -> dict[str, str]:
    local = instant.astimezone(BERLIN)
    return {f"{name}_0": local.strftime("%Y-%m-%d"), f"{name}_1": local.strftime("%H:%M:%S")}


def shown(client: Client, url: str) -> dict[str, str]:
    """What a browser would send back if nothing was typed: the values of the page's form."""
    form = client.get(url).context["adminform"].form
    values: dict[str, str] = {}
    for bound in form:
        value = bound.value()
        if bound.name in ("start", "end"):
            values |= split(bound.name, value)
        elif isinstance(value, list):
            values[bound.name] = [str(one) for one in value]  # type: ignore[assignment]
        elif bound.name == "sync_enabled":
            values |= {"sync_enabled": "on"} if value else {}
        else:
            values[bound.name] = "" if value is None else str(getattr(value, "pk", value))
    return values | {"attendances-TOTAL_FORMS": "0", "attendances-INITIAL_FORMS": "0"}


def change(client: Client, appointment: Appointment, **typed: Any):
    url = f"{LIST}{appointment.pk}/change/"
    return client.post(url, shown(client, url) | typed)


def held() -> set[tuple[int, datetime]]:
    return set(Allocation.objects.values_list("calendar_id", "start"))


def test_adding_books(staff, service, eve):
    """Red when save_model saves the row instead of the action: no allocation, no mail."""
    customer = make_customer()
    typed = {"service": service.pk, "employee": "", "customer": customer.pk, "notes": "tea", "language": "de", "timezone": "Europe/Berlin"}
    answer = staff.post(f"{LIST}add/", typed | split("start", soon(10)))
    assert answer.status_code == 302
    attendance = Attendance.objects.get()
    assert (attendance.customer, attendance.notes, attendance.language) == (customer, "tea", "de")
    assert Allocation.objects.count() == 1
    assert Message.objects.filter(kind="booked").exists()
    assert attendance.appointment.history.get().history_user.username == "manager"


def test_adding_at_a_taken_time_keeps_what_was_typed_and_tells_what_is_free(staff, service, eve, appointment):
    customer = make_customer(first_name="Dora", email="dora@example.org")
    typed = {"service": service.pk, "employee": eve.pk, "customer": customer.pk, "notes": "a long story", "language": "en", "timezone": "Europe/Berlin"}
    answer = staff.post(f"{LIST}add/", typed | split("start", soon(10)))
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "no longer free" in text
    assert "Free times near it" in text
    assert "a long story" in text
    assert Appointment.objects.count() == 1


def test_an_employee_who_does_not_offer_the_service_is_refused(staff, service):
    other = make_employee("Otto")
    typed = {"service": service.pk, "employee": other.pk, "customer": make_customer().pk, "language": "de", "timezone": "Europe/Berlin"}
    answer = staff.post(f"{LIST}add/", typed | split("start", soon(10)))
    assert "does not offer" in answer.content.decode()


def test_moving_moves_the_time_that_is_held_and_tells_the_customer(staff, appointment, eve):
    """Red when the form saves the row itself: the allocation then stays where it was."""
    answer = change(staff, appointment, **split("start", soon(6)), **split("end", soon(7)))
    assert answer.status_code == 302
    appointment.refresh_from_db()
    # Staff may leave the hours that are offered.
    assert (appointment.start, appointment.end) == (soon(6), soon(7))
    assert held() == {(eve.calendar_id, soon(6))}
    assert Message.objects.filter(kind="rescheduled", audience="customer").count() == 1


def test_moving_onto_another_appointment_is_refused_and_loses_nothing(staff, service, appointment, eve):
    book(service, eve, 12)
    answer = change(staff, appointment, **split("start", soon(12)), **split("end", soon(12, 30)), internal_note="keep this text")
    assert answer.status_code == 200
    assert "Another appointment is at this time" in answer.content.decode()
    assert "keep this text" in answer.content.decode()
    appointment.refresh_from_db()
    assert (appointment.start, appointment.internal_note) == (soon(10), "")
    assert held() == {(eve.calendar_id, soon(10)), (eve.calendar_id, soon(12))}


def test_an_end_before_the_start_is_refused(staff, appointment):
    answer = change(staff, appointment, **split("end", soon(9)))
    assert "The end must be after the start" in answer.content.decode()


def test_another_employee_takes_over(staff, appointment, finn):
    assert change(staff, appointment, employee=str(finn.pk)).status_code == 302
    assert list(appointment.employees.all()) == [finn]
    assert held() == {(finn.calendar_id, soon(10))}


def test_several_serve_it_together_the_organiser_first(staff, appointment, eve, finn):
    """Red without the field in act(): only the organiser had it."""
    assert change(staff, appointment, employee=str(finn.pk), others=[str(eve.pk)]).status_code == 302
    assert [one.employee for one in appointment.staffings.order_by("pk")] == [finn, eve]
    assert {pk for pk, _start in held()} == {eve.calendar_id, finn.calendar_id}
    assert change(staff, appointment, internal_note="both").status_code == 302
    assert [one.employee for one in appointment.staffings.order_by("pk")] == [finn, eve]
    assert change(staff, appointment, employee=str(eve.pk), others=[]).status_code == 302
    assert list(appointment.employees.all()) == [eve]


def test_an_employee_who_is_taken_does_not_take_over(staff, service, appointment, eve, finn):
    book(service, finn, 10)
    answer = change(staff, appointment, employee=str(finn.pk), internal_note="please")
    assert answer.status_code == 200
    assert "please" in answer.content.decode()
    assert list(appointment.employees.all()) == [eve]


@pytest.mark.parametrize("between", ["eve at the new time", "finn at the old time"])
def test_time_and_employee_change_together_whatever_is_between(staff, service, appointment, eve, finn, between):
    book(service, *((eve, 12) if between.startswith("eve") else (finn, 10)))
    assert change(staff, appointment, employee=str(finn.pk), **split("start", soon(12)), **split("end", soon(12, 30))).status_code == 302
    appointment.refresh_from_db()
    assert appointment.start == soon(12)
    assert list(appointment.employees.all()) == [finn]
    assert (finn.calendar_id, soon(12)) in held()


def test_a_note_touches_nobodys_time(staff, appointment):
    mails = Message.objects.count()
    assert change(staff, appointment, internal_note="brings a dog").status_code == 302
    appointment.refresh_from_db()
    assert appointment.internal_note == "brings a dog"
    assert Message.objects.count() == mails


def test_an_old_page_does_not_undo_what_happened_meanwhile(staff, appointment):
    """Red without `seen`: saving a note on a page opened before a move would move it back."""
    url = f"{LIST}{appointment.pk}/change/"
    old = shown(staff, url)
    appointments.move(appointment=appointment, start=soon(14), end=soon(15), now=timezone.now())
    answer = staff.post(url, old | {"internal_note": "written on the old page"})
    assert answer.status_code == 200
    assert "meanwhile" in answer.content.decode()
    assert "written on the old page" in answer.content.decode()
    appointment.refresh_from_db()
    assert appointment.start == soon(14)


@pytest.mark.parametrize("by", ["decision", "list"])
def test_cancelling_frees_the_time(staff, appointment, by):
    if by == "decision":
        assert change(staff, appointment, decision="cancel").status_code == 302
    else:
        assert staff.post(LIST, {"action": "cancel", "_selected_action": [appointment.pk]}).status_code == 302
    appointment.refresh_from_db()
    assert appointment.status == "cancelled"
    assert held() == set()
    assert Message.objects.filter(kind="cancelled", audience="customer").exists()


@pytest.mark.parametrize("by", ["decision", "list"])
@pytest.mark.parametrize(("decision", "status"), [("approve", "approved"), ("reject", "rejected")])
def test_pending_ones_are_decided(staff, service, eve, by, decision, status):
    Service.objects.update(needs_approval=True)
    service.refresh_from_db()
    appointment = book(service, eve, 10)
    if by == "decision":
        assert change(staff, appointment, decision=decision).status_code == 302
    else:
        staff.post(LIST, {"action": decision, "_selected_action": [appointment.pk]})
    appointment.refresh_from_db()
    assert appointment.status == status


@pytest.mark.parametrize("by", ["decision", "list"])
def test_a_rejection_that_is_put_back_waits_for_approval_again(staff, service, eve, by):
    """Seen red with a reinstate that always approves."""
    Service.objects.update(needs_approval=True)
    service.refresh_from_db()
    appointment = book(service, eve, 10)
    appointments.reject(appointment=appointment, now=timezone.now())
    if by == "decision":
        assert change(staff, appointment, decision="reinstate").status_code == 302
    else:
        staff.post(LIST, {"action": "reinstate", "_selected_action": [appointment.pk]})
    appointment.refresh_from_db()
    assert appointment.status == "pending"


def test_a_list_action_says_what_it_could_not_do(staff, service, eve, appointment):
    other = book(service, eve, 12)
    appointments.cancel(appointment=other, now=timezone.now())
    answer = staff.post(LIST, {"action": "cancel", "_selected_action": [appointment.pk, other.pk]}, follow=True)
    text = answer.content.decode()
    assert "already been cancelled" in text
    assert "1 appointment changed" in text


def test_putting_back_needs_the_time_to_be_free(staff, service, eve, appointment):
    appointments.cancel(appointment=appointment, now=timezone.now())
    other = book(service, eve, 10)
    assert "Another appointment is at this time" in change(staff, appointment, decision="reinstate").content.decode()
    appointments.cancel(appointment=other, now=timezone.now())
    assert change(staff, appointment, decision="reinstate").status_code == 302
    appointment.refresh_from_db()
    assert appointment.status == "approved"
    assert held() == {(eve.calendar_id, soon(10))}


def test_deleting_frees_the_time(staff, appointment):
    """Red when the row is deleted without the action: the allocation stays for ever."""
    assert staff.get(f"{LIST}{appointment.pk}/delete/").status_code == 200
    assert staff.post(f"{LIST}{appointment.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Appointment.objects.exists()
    assert held() == set()


def test_deleting_several_frees_their_times(staff, service, eve, appointment):
    other = book(service, eve, 12)
    typed = {"action": "delete_selected", "_selected_action": [appointment.pk, other.pk], "post": "yes"}
    assert staff.post(LIST, typed).status_code == 302
    assert not Appointment.objects.exists()
    assert held() == set()


def versions(appointment: Appointment) -> list[str]:
    """Addresses of its versions, oldest first."""
    return [f"{LIST}{appointment.pk}/history/{pk}/" for pk in appointment.history.order_by("pk").values_list("pk", flat=True)]


def test_going_back_to_a_version_moves_the_time_that_is_held(staff, appointment, eve):
    """Red when simple-history saves the old row: the allocation stays where it was, and nobody is told."""
    appointments.move(appointment=appointment, start=soon(14), end=soon(15), now=timezone.now())
    Message.objects.all().delete()
    first = versions(appointment)[0]
    assert staff.get(f"{LIST}{appointment.pk}/history/").status_code == 200
    assert staff.post(first, shown(staff, first)).status_code == 302
    appointment.refresh_from_db()
    assert (appointment.start, appointment.end) == (soon(10), soon(10, 30))
    assert held() == {(eve.calendar_id, soon(10))}
    assert Message.objects.filter(kind="rescheduled", audience="customer").count() == 1
    assert appointment.history.first().history_user.username == "manager"


def test_going_back_onto_a_taken_time_is_refused(staff, service, appointment, eve):
    appointments.move(appointment=appointment, start=soon(14), end=soon(15), now=timezone.now())
    book(service, eve, 10)
    first = versions(appointment)[0]
    answer = staff.post(first, shown(staff, first))
    assert answer.status_code == 200
    assert "Another appointment is at this time" in answer.content.decode()
    appointment.refresh_from_db()
    assert appointment.start == soon(14)


def test_going_back_across_a_cancellation_puts_back_and_cancels_again(staff, appointment, eve):
    appointments.cancel(appointment=appointment, now=timezone.now())
    booked, cancelled = versions(appointment)
    assert staff.post(booked, shown(staff, booked)).status_code == 302
    appointment.refresh_from_db()
    assert appointment.status == "approved"
    assert held() == {(eve.calendar_id, soon(10))}
    assert staff.post(cancelled, shown(staff, cancelled)).status_code == 302
    appointment.refresh_from_db()
    assert appointment.status == "cancelled"
    assert held() == set()


def test_going_back_is_no_way_round_what_happened_meanwhile(staff, appointment):
    appointments.move(appointment=appointment, start=soon(14), end=soon(15), now=timezone.now())
    first = versions(appointment)[0]
    old = shown(staff, first)
    appointments.cancel(appointment=appointment, now=timezone.now())
    assert "meanwhile" in staff.post(first, old).content.decode()
    appointment.refresh_from_db()
    assert appointment.status == "cancelled"


def test_a_deleted_appointment_stays_deleted(staff, appointment):
    first, pk = versions(appointment)[0], appointment.pk
    typed = shown(staff, first)
    appointments.delete(appointment=appointment)
    assert staff.get(f"{LIST}{pk}/history/").status_code == 200
    assert staff.post(first, typed).status_code == 404
    assert not Appointment.objects.exists()


def test_whoever_may_only_look_can_not_go_back(client, outsider, appointment):
    """simple-history asks for the permission to look only. Red without the check in HistoryAdmin."""
    from django.contrib.auth.models import Permission

    outsider.is_staff = True
    outsider.save()
    outsider.user_permissions.add(
        *Permission.objects.filter(codename__in=["view_appointment", "view_historicalappointment", "view_customer", "view_historicalcustomer"])
    )
    client.force_login(outsider)
    appointments.move(appointment=appointment, start=soon(14), end=soon(15), now=timezone.now())
    first = versions(appointment)[0]
    assert client.get(f"{LIST}{appointment.pk}/change/").status_code == 200
    assert client.get(first).status_code == 200
    assert client.post(first, {}).status_code == 403
    assert client.post(f"{LIST}{appointment.pk}/change/", {}).status_code == 403
    customer = Customer.objects.get()
    version = customer.history.get()
    assert client.post(f"/admin/booking/customer/{customer.pk}/history/{version.pk}/", {}).status_code == 403
    appointment.refresh_from_db()
    assert appointment.start == soon(14)


def test_going_back_does_not_revive_a_customers_old_links(staff, appointment):
    """Red when simple-history's own save writes every column of the version."""
    customer = Customer.objects.get()
    first = customer.history.get()
    customer.link_version, customer.phone = 2, "+49 30 1"
    customer.save()
    typed = {"first_name": "Carla", "last_name": "Kundin", "email": "carla@example.org", "phone": "", "note": ""}
    assert staff.post(f"/admin/booking/customer/{customer.pk}/history/{first.pk}/", typed).status_code == 302
    customer.refresh_from_db()
    assert (customer.phone, customer.link_version) == ("", 2)


@pytest.mark.parametrize("address", ["x/history/1/", "1/history/x/", "1/history/999999/", "999999/change/", "x/change/"])
def test_addresses_that_lead_nowhere_are_not_errors(staff, appointment, address):
    assert staff.get(LIST + address).status_code in (302, 404)


def test_what_customers_type_is_escaped(staff, service, eve):
    nasty = "<script>alert(1)</script>"
    guest = Guest(first_name=nasty, email="x@example.org")
    appointment = appointments.book(service=service, start=soon(10), guest=guest, now=timezone.now(), employee=eve, notes=nasty).appointment
    for url in (LIST, f"{LIST}{appointment.pk}/change/", "/admin/booking/attendance/", "/admin/booking/customer/"):
        text = staff.get(url).content.decode()
        assert nasty not in text
        assert escape(nasty) in text


def test_the_list_asks_a_constant_number_of_questions(staff, service, eve, django_assert_max_num_queries):
    for hour in range(9, 16):
        book(service, eve, hour)
    with django_assert_max_num_queries(25):
        assert staff.get(LIST).status_code == 200
    assert Appointment.objects.count() == 7
    assert timezone.now() + timedelta(days=1) < soon(10)
