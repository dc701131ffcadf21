"""The catalogue in the admin: who offers a service on which terms, its extras, the questions of the booking form."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client

from booking.models import Attendance, CustomField, Extra, Offer, Service
from booking.tests.options import make_extra, make_field
from booking.tests.pages import text_of
from booking.tests.salon import BERLIN, make_customer, make_employee, make_service, soon

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client: Client, manager) -> Client:
    client.force_login(manager)
    return client


@pytest.mark.feature("P2")
def test_a_service_is_set_up_with_employees_and_extras(staff):
    """Red when one of the inlines is taken out of ServiceAdmin."""
    eve = make_employee("Eve")
    typed = {
        "name": "Cut", "description": "", "color": "#112233", "price": "35", "position": "0", "is_active": "on", "duration": "30", "buffer_before": "5",
        "buffer_after": "10", "slot_step": "15", "min_notice": "60", "horizon": "90", "reschedule_notice": "0", "cancel_notice": "0", "needs_approval": "on",
        "min_capacity": "1", "max_capacity": "1", "assignment": "fewest", "limit_days": "7",
        "offers-TOTAL_FORMS": "1", "offers-INITIAL_FORMS": "0", "offers-0-employee": str(eve.pk), "offers-0-price": "48.50", "offers-0-duration": "45",
        "extras-TOTAL_FORMS": "1", "extras-INITIAL_FORMS": "0", "extras-0-name": "Tea", "extras-0-duration": "5", "extras-0-price": "2",
        "extras-0-max_quantity": "3", "extras-0-position": "0", "extras-0-is_active": "on",
    }  # fmt: skip
    for wrong in ({"offers-0-price": "-1"}, {"offers-0-duration": "0"}, {"extras-0-max_quantity": "0"}, {"extras-0-price": "-1"}, {"color": "red"}):
        assert staff.post("/admin/booking/service/add/", typed | wrong).status_code == 200
    assert not Service.objects.exists()
    assert staff.post("/admin/booking/service/add/", typed).status_code == 302
    offer, extra = Offer.objects.get(), Extra.objects.get()
    assert (offer.service, offer.employee, offer.its_price, offer.its_duration) == (Service.objects.get(), eve, Decimal("48.50"), 45)
    assert (extra.name, extra.duration, extra.price, extra.max_quantity) == ("Tea", 5, Decimal(2), 3)
    assert Client().get("/api/v1/services/").json()[0]["employees"][0]["price"] == "48.50"


@pytest.mark.feature("P8")
def test_a_question_is_set_up_and_one_without_choices_refused(staff):
    """Red when CustomFieldForm.clean is taken out."""
    typed = {"label": "Size", "kind": "choice", "choices": " \n", "help": "", "position": "0", "is_active": "on"}
    refused = staff.post("/admin/booking/customfield/add/", typed)
    assert "what there is to choose from" in text_of(refused)
    assert staff.post("/admin/booking/customfield/add/", typed | {"choices": "small\r\n\r\nbig \r\nsmall"}).status_code == 302
    assert CustomField.objects.get().options == ["small", "big"]
    assert staff.get("/admin/booking/customfield/").status_code == 200


def test_staff_book_with_extras_of_the_service_only(staff):
    """Red when BookForm doesn't pass on `chosen`."""
    service = make_service(make_employee("Eve"))
    towel, other = make_extra(service), make_extra(make_service(name="Other"), "Sauna")
    make_field("Must", required=True)  # customers are asked, not staff
    start = soon().astimezone(BERLIN)
    typed = {
        "service": service.pk, "start_0": f"{start:%Y-%m-%d}", "start_1": f"{start:%H:%M}", "customer": make_customer().pk, "language": "en", "timezone": "Europe/Berlin",
    }  # fmt: skip
    page = staff.get("/admin/booking/appointment/add/").content.decode()
    assert "Haircut: Hot towel" in page
    wrong = staff.post("/admin/booking/appointment/add/", typed | {"extras": [other.pk]})
    assert "belongs to another service" in text_of(wrong)
    answer = staff.post("/admin/booking/appointment/add/", typed | {"extras": [towel.pk]})
    assert answer.status_code == 302, answer.context and answer.context["errors"]
    attendance = Attendance.objects.get()
    assert (attendance.price, attendance.extras.get().name) == (Decimal("40.50"), "Hot towel")
    shown = staff.get(f"/admin/booking/appointment/{attendance.appointment_id}/change/")
    assert "Hot towel" in text_of(shown)
    assert "Hot towel" in text_of(staff.get(f"/admin/booking/attendance/{attendance.pk}/change/"))


def test_an_employee_who_offers_something_can_still_be_deleted(staff):
    service = make_service(make_employee("Eve"))
    eve = service.employees.get()
    assert staff.post(f"/admin/booking/employee/{eve.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Offer.objects.exists()
