"""Employees with their calendars, and everything else that the admin keeps or shows."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest
from django.contrib import admin as django_admin
from django.test import Client
from django.utils import timezone
from django.utils.html import format_html

from booking.actions import appointments, busy
from booking.actions.customers import Guest
from booking.admin import sections
from booking.models import Allocation, Busy, BusySource, Calendar, Employee, Message, Service, TimeOff
from booking.tests.salon import make_employee, make_service, soon

LIST = "/admin/booking/employee/"
READ_ONLY = ["attendance", "message", "busy", "busysource", "allocation"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client: Client, admin) -> Client:
    client.force_login(admin)
    return client


def rows(prefix: str, *values: dict[str, object], initial: int = 0) -> dict[str, object]:
    typed: dict[str, object] = {f"{prefix}-TOTAL_FORMS": len(values), f"{prefix}-INITIAL_FORMS": initial}
    return typed | {f"{prefix}-{at}-{name}": value for at, row in enumerate(values) for name, value in row.items()}


EVE = {
    "first_name": "Eve",
    "last_name": "Adams",
    "email": "eve@salon.example",
    "language": "de",
    "timezone": "Europe/Vienna",
    "is_active": "on",
    "position": "0",
}


def test_a_new_employee_gets_a_calendar_with_working_hours(staff):
    typed = EVE | rows("working_hours", {"weekday": 0, "start": "09:00", "end": "12:00"}, {"weekday": 0, "start": "13:00", "end": "00:00"})
    typed |= rows("special_days", {"day": "2027-12-24", "start": "09:00", "end": "12:00"})
    typed |= rows("time_off", {"first_day": "2027-08-01", "last_day": "2027-08-14", "label": "Italy"})
    answer = staff.post(f"{LIST}add/", typed)
    assert answer.status_code == 302, answer.context and answer.context["errors"]
    employee = Employee.objects.get()
    assert (employee.calendar.name, employee.calendar.timezone) == ("Eve Adams", "Europe/Vienna")
    assert list(employee.calendar.working_hours.values_list("start", "end")) == [(time(9), time(12)), (time(13), time(0))]
    assert employee.calendar.special_days.get().day == date(2027, 12, 24)
    assert employee.calendar.time_off.get().label == "Italy"
    assert Calendar.objects.count() == 1


def test_a_mistake_leaves_no_calendar_behind_and_loses_nothing(staff):
    typed = EVE | rows("working_hours", {"weekday": 0, "start": "12:00", "end": "09:00"}) | rows("special_days") | rows("time_off")
    answer = staff.post(f"{LIST}add/", typed)
    assert answer.status_code == 200
    assert "The end must be after the start" in answer.content.decode()
    assert "eve@salon.example" in answer.content.decode()
    assert not Calendar.objects.exists()


def test_hours_are_changed_on_the_employees_page(staff):
    employee = make_employee("Eve")
    page = staff.get(f"{LIST}{employee.pk}/change/").content.decode()
    assert 'name="working_hours-6-start"' in page
    hours = list(employee.calendar.working_hours.all())
    kept = [{"id": row.pk, "calendar": employee.calendar_id, "weekday": row.weekday, "start": "08:00", "end": "17:00"} for row in hours]
    kept[6]["DELETE"] = "on"
    typed = EVE | rows("working_hours", *kept, initial=7) | rows("special_days") | rows("time_off", {"first_day": "2027-08-01", "last_day": "2027-08-02"})
    assert staff.post(f"{LIST}{employee.pk}/change/", typed).status_code == 302
    assert set(employee.calendar.working_hours.values_list("start", flat=True)) == {time(8)}
    assert employee.calendar.working_hours.count() == 6
    employee.calendar.refresh_from_db()
    assert (employee.calendar.name, employee.calendar.timezone) == ("Eve Adams", "Europe/Vienna")
    assert TimeOff.objects.get().calendar == employee.calendar


def test_hours_of_another_calendar_can_not_be_changed_here(staff):
    employee, other = make_employee("Eve"), make_employee("Finn")
    foreign = other.calendar.working_hours.earliest("pk")
    row = {"id": foreign.pk, "calendar": other.calendar_id, "weekday": 0, "start": "00:00", "end": "01:00"}
    typed = EVE | rows("working_hours", row, initial=1) | rows("special_days") | rows("time_off")
    assert staff.post(f"{LIST}{employee.pk}/change/", typed).status_code == 200
    foreign.refresh_from_db()
    assert foreign.start == time(9)


def test_an_unknown_time_zone_is_refused(staff):
    typed = EVE | {"timezone": "Mars"} | rows("working_hours") | rows("special_days") | rows("time_off")
    assert "is not a time zone" in staff.post(f"{LIST}add/", typed).content.decode()


def test_the_calendar_goes_with_its_owner(staff):
    employee = make_employee("Eve")
    assert staff.post(f"{LIST}{employee.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Employee.objects.exists()
    assert not Calendar.objects.exists()


@pytest.mark.parametrize("what", ["appointments", "connected calendars"])
def test_who_has_appointments_or_connected_calendars_is_not_deleted(client, manager, what):
    """From the page nor from the list; the page says what to do instead. Seen red without get_deleted_objects."""
    client.force_login(manager)
    employee = make_employee("Eve")
    if what == "appointments":
        guest = Guest(first_name="C", email="c@example.org")
        appointments.book(service=make_service(employee), start=soon(10), guest=guest, now=timezone.now())
    else:
        busy.add_source(calendar=employee.calendar, label="Private", max_age=timedelta(hours=1))
    several = {"action": "delete_selected", "_selected_action": [employee.pk], "post": "yes"}
    for path, typed in ((f"{LIST}{employee.pk}/delete/", {"post": "yes"}), (LIST, several)):
        answer = client.post(path, typed)
        assert f"Eve has {what} and can&#x27;t be deleted. Take away the tick at “takes bookings” instead." in answer.content.decode()
    assert Employee.objects.exists()
    assert employee.calendar.working_hours.exists()


def test_an_employee_goes_back_to_a_version(staff):
    employee = make_employee("Eve", phone="+49 1")
    version = employee.history.get()
    Employee.objects.get().calendar.working_hours.all().delete()
    employee.phone = "+49 2"
    employee.save()
    url = f"{LIST}{employee.pk}/history/{version.pk}/"
    assert staff.get(url).status_code == 200
    assert staff.post(url, EVE | {"phone": "+49 1"}).status_code == 302
    employee.refresh_from_db()
    assert employee.phone == "+49 1"


def test_other_apps_show_what_they_know_of_an_employee(staff, monkeypatch):
    """The hook for A13. Red when get_fieldsets forgets the sections."""
    monkeypatch.setattr(sections, "sections", {})
    sections.register_section(
        sections.Section("connection", "Calendar connection", lambda request, employee: format_html("<b>{}</b> as {}", "connected", employee.email))
    )
    employee = make_employee("Eve", email="e&e@salon.example")
    page = staff.get(f"{LIST}{employee.pk}/change/").content.decode()
    assert "Calendar connection" in page
    assert "<b>connected</b> as e&amp;e@salon.example" in page
    assert "Calendar connection" not in staff.get(f"{LIST}add/").content.decode()
    typed = EVE | rows("working_hours") | rows("special_days") | rows("time_off")
    assert staff.post(f"{LIST}{employee.pk}/change/", typed).status_code == 302


def everything(service: Service) -> None:
    """A row of each kind."""
    appointments.book(service=service, start=soon(10), guest=Guest(first_name="C", email="c@example.org"), now=timezone.now())
    calendar = service.employees.get().calendar
    source = BusySource.objects.create(calendar=calendar, label="Private", max_age=timedelta(hours=1))
    Busy.objects.create(calendar=calendar, source=source, start=soon(14), end=soon(15), key="k", title="Divorce lawyer")


@pytest.mark.parametrize("name", READ_ONLY)
def test_what_actions_decide_is_only_shown(staff, name):
    everything(make_service(make_employee("Eve")))
    model = next(model for model in django_admin.site._registry if model._meta.model_name == name)
    row = model._default_manager.earliest("pk")
    url = f"/admin/booking/{name}/"
    assert staff.get(url).status_code == 200
    page = staff.get(f"{url}{row.pk}/change/")
    assert page.status_code == 200
    assert 'name="_save"' not in page.content.decode()
    assert staff.get(f"{url}add/").status_code == 403
    assert staff.post(f"{url}{row.pk}/change/", {}).status_code == 403
    assert staff.post(f"{url}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert model._default_manager.filter(pk=row.pk).exists()


def test_titles_of_other_peoples_events_are_not_shown(staff):
    everything(make_service(make_employee("Eve")))
    busy = Busy.objects.get()
    for url in ("/admin/booking/busy/", f"/admin/booking/busy/{busy.pk}/change/", f"{LIST}{Employee.objects.get().pk}/change/"):
        assert "Divorce" not in staff.get(url).content.decode()


@pytest.mark.parametrize("name", ["service", "category", "location", "customer", "employee", "appointment"])
def test_every_page_of_what_is_managed_opens(staff, name):
    everything(make_service(make_employee("Eve")))
    assert staff.get(f"/admin/booking/{name}/").status_code == 200
    assert staff.get(f"/admin/booking/{name}/?q=eve").status_code == 200
    assert staff.get(f"/admin/booking/{name}/add/").status_code == 200


def test_a_service_is_changed_and_goes_back(staff):
    service = make_service(make_employee("Eve"))
    version = service.history.first()
    typed = {
        field: getattr(service, field)
        for field in ("name", "color", "price", "position", "duration", "buffer_before", "buffer_after", "slot_step", "min_notice")
    }
    typed |= {
        field: getattr(service, field)
        for field in ("horizon", "reschedule_notice", "cancel_notice", "min_capacity", "max_capacity", "assignment", "limit_days")
    } | {"is_active": "on"}
    typed |= {f"{name}-{count}": "0" for name in ("offers", "extras") for count in ("TOTAL_FORMS", "INITIAL_FORMS")}
    assert staff.post(f"/admin/booking/service/{service.pk}/change/", typed | {"price": "40"}).status_code == 302
    service.refresh_from_db()
    assert service.price == 40
    assert staff.post(f"/admin/booking/service/{service.pk}/history/{version.pk}/", typed).status_code == 302
    service.refresh_from_db()
    assert service.price == 35
    more = staff.post(f"/admin/booking/service/{service.pk}/change/", typed | {"min_capacity": "3", "max_capacity": "2"})
    assert more.context["adminform"].form.errors == {"min_capacity": ["There are not so many places."]}


@pytest.mark.parametrize(("state", "again"), [("failed", True), ("sent", True), ("open", False), ("skipped", False)])
def test_a_message_is_sent_again(staff, state, again):
    everything(make_service(make_employee("Eve")))
    Message.objects.update(state=state, attempts=5, error="550 no such user", claimed_until=timezone.now())
    message = Message.objects.earliest("pk")
    answer = staff.post("/admin/booking/message/", {"action": "try_again", "_selected_action": [message.pk]}, follow=True)
    message.refresh_from_db()
    assert (message.state, message.attempts) == (("open", 0) if again else (state, 5))
    assert ("waits to be sent" if again else "left as they are") in answer.content.decode()


@pytest.mark.parametrize("person", ["employee", "outsider", None])
def test_nobody_else_sees_the_admin(client, request, person):
    everything(make_service(make_employee("Eve")))
    if person:
        who = request.getfixturevalue(person)
        client.force_login(getattr(who, "user", who))
    for model in django_admin.site._registry:
        if model._meta.app_label == "booking":
            answer = client.get(f"/admin/booking/{model._meta.model_name}/")
            assert answer.status_code == 302
            assert "login" in answer["Location"]


def test_managers_raise_nobodys_rights(client, manager):
    client.force_login(manager)
    assert client.get("/admin/auth/user/").status_code == 403
    assert client.get("/admin/auth/group/").status_code == 403
    assert Allocation.objects.count() == 0
