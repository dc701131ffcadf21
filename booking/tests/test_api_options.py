"""Extras, answers and files by the API."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from booking.models import Answer, Appointment, Attendance, Category, CustomField, Offer, Service, Upload
from booking.tests.options import PDF, file, make_extra, make_field
from booking.tests.salon import BERLIN, make_employee, make_service, soon, wish

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def service() -> Service:
    return make_service(make_employee("Eve"), make_employee("Finn"))


def post(client: Client, body: dict[str, Any], **headers: str):
    return client.post("/api/v1/appointments/", json.dumps(body), content_type="application/json", headers=headers)


def upload(client: Client, content: Any):
    return client.post("/api/v1/uploads/", {"file": content})


@pytest.mark.feature("P2")
def test_it_tells_what_can_be_added_and_what_each_employee_takes(client, service):
    """Red when `offering` are employees without their offers, or `addable` is left out of ServiceAnswer."""
    eve, finn = service.employees.order_by("pk")
    Offer.objects.filter(employee=eve).update(price=50, duration=45)
    towel = make_extra(service, max_quantity=2)
    make_extra(service, "Gone", is_active=False)
    Service.objects.update(category=Category.objects.create(name="Hair", color="#aa0000"))
    told = client.get(f"/api/v1/services/{service.pk}/").json()
    assert [(one["id"], one["price"], one["duration"]) for one in told["employees"]] == [(eve.pk, "50.00", 45), (finn.pk, "35.00", 30)]
    assert told["extras"] == [{"id": towel.pk, "name": "Hot towel", "description": "", "duration": 30, "price": "5.50", "max_quantity": 2}]
    assert told["category"] == {"id": service.__class__.objects.get().category_id, "name": "Hair", "color": "#aa0000", "picture": ""}
    assert told["picture"] == ""


def test_the_list_takes_as_many_statements_for_many_services_as_for_one(client, service, django_assert_num_queries):
    make_extra(service)
    make_field("Name", "text", service)

    def ask() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/api/v1/services/").status_code == 200
        return len(queries)

    few = ask()
    for number in range(5):
        other = make_service(*service.employees.all(), name=f"S{number}")
        make_extra(other)
        make_field(f"Q{number}", "text", other)
    assert ask() == few <= 6


@pytest.mark.feature("P2")
def test_slots_are_as_much_longer_and_the_price_is_the_servers(client, service):
    """Red when SlotsView doesn't pass on `added`, or AppointmentsView `chosen`."""
    towel = make_extra(service, duration=45, max_quantity=2)
    eve = service.employees.get(first_name="Eve")
    Offer.objects.filter(employee=eve).update(price=50)
    query = {"service": service.pk, "employee": eve.pk, "from": soon().date(), "to": soon().date(), "timezone": "Europe/Berlin", f"extra_{towel.pk}": 2}
    slots = client.get("/api/v1/slots/", query).json()["slots"]
    assert slots[-1]["start"] == soon(15).astimezone(BERLIN).isoformat()
    assert slots[-1]["end"] == soon(17).astimezone(BERLIN).isoformat()
    assert client.get("/api/v1/slots/next/", query).json()["slot"]["employee"] == eve.pk
    assert post(client, wish(service, soon(15, 30), employee=eve.pk, extras={str(towel.pk): 2})).status_code == 409
    answer = post(client, wish(service, soon(15), employee=eve.pk, extras={str(towel.pk): 2}))
    assert answer.status_code == 201, answer.content
    assert (answer.json()["price"], answer.json()["end"]) == ("61.00", soon(17).astimezone(BERLIN).isoformat())
    assert Attendance.objects.get().price == Decimal("61.00")
    assert post(client, wish(service, soon(9), price="0.01")).status_code == 400


@pytest.mark.parametrize("wished", [{"99999": 1}, {"x": 1}, {"{pk}": 3}, {"{pk}": -1}, {"{pk}": "many"}, [], "1", {"{other}": 1}])
def test_impossible_extras_are_refused(client, service, wished):
    towel, other = make_extra(service, max_quantity=2), make_extra(make_service(name="Other"))
    if isinstance(wished, dict):
        wished = {key.format(pk=towel.pk, other=other.pk): value for key, value in wished.items()}
    answer = post(client, wish(service, soon(), extras=wished))
    assert answer.status_code == 400
    assert "extras" in answer.json()
    assert not Appointment.objects.exists()


@pytest.mark.feature("P8")
def test_it_takes_answers_of_all_kinds(client, service):
    """Red when AppointmentsView doesn't pass on `given`."""
    asked = {
        kind: make_field(kind, kind, choices="a\nb\nc", required=kind != "date") for kind in ("text", "long", "choice", "choices", "check", "date", "file")
    }
    told = client.get(f"/api/v1/services/{service.pk}/").json()["questions"]
    assert [(one["label"], one["required"]) for one in told] == [(kind, kind != "date") for kind in asked]
    assert told[2]["choices"] == ["a", "b", "c"]
    sent = upload(client, file("scan.pdf", PDF))
    assert sent.status_code == 201, sent.content
    assert (sent.json()["name"], sent.json()["size"]) == ("scan.pdf", len(PDF))
    values = {"text": "Rex", "long": "a\nb", "choice": "b", "choices": ["a", "c"], "check": True, "date": "2020-02-29", "file": sent.json()["id"]}
    body = wish(service, soon(), answers={str(asked[kind].pk): value for kind, value in values.items()})
    assert post(client, body).status_code == 201
    assert dict(Answer.objects.values_list("label", "value")) == {
        "text": "Rex", "long": "a\nb", "choice": "b", "choices": "a\nc", "check": "1", "date": "2020-02-29", "file": "scan.pdf",
    }  # fmt: skip
    assert Answer.objects.get(label="file").upload == Upload.objects.get()


@pytest.mark.feature("P8")
def test_a_required_answer_must_be_there(client, service):
    """Red when has_fields is left out of SERVICE."""
    field = make_field("Name", required=True)
    answer = post(client, wish(service, soon()))
    assert (answer.status_code, answer.json()) == (400, {"answers": {str(field.pk): ["Please answer this question."]}})
    assert not Appointment.objects.exists()
    field.services.set([make_service(name="Other")])
    assert post(client, wish(service, soon())).status_code == 201


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("text", 5),
        ("text", ["a"]),
        ("text", {"a": 1}),
        ("text", "a\nb"),
        ("text", "x" * 501),
        ("choice", "z"),
        ("choices", "a"),
        ("choices", ["a", "z"]),
        ("choices", [1]),
        ("check", "yes"),
        ("date", "29.2.2020"),
        ("date", "2021-02-29"),
        ("date", "9999-01-01"),
        ("file", "scan.pdf"),
        ("file", "00000000-0000-4000-8000-000000000000"),
    ],
)
def test_impossible_answers_are_refused(client, service, kind, value):
    field = make_field("Q", kind, choices="a\nb", required=True)
    answer = post(client, wish(service, soon(), answers={str(field.pk): value}))
    assert answer.status_code == 400
    assert set(answer.json()["answers"]) == {str(field.pk)}
    assert not Appointment.objects.exists()


def test_an_unknown_question_is_refused(client, service):
    elsewhere = make_field("Q", "text", make_service(name="Other"))
    for key in (str(elsewhere.pk), "x", "0"):
        answer = post(client, wish(service, soon(), answers={key: "a"}))
        assert (answer.status_code, set(answer.json()["answers"])) == (400, {key})


def test_the_same_key_with_other_extras_is_another_request(client, service):
    towel = make_extra(service)
    assert post(client, wish(service, soon()), **{"Idempotency-Key": "k"}).status_code == 201
    assert post(client, wish(service, soon(), extras={str(towel.pk): 1}), **{"Idempotency-Key": "k"}).status_code == 422


@pytest.mark.parametrize("content", [file("a.pdf", b"MZ"), file("a.html", b"<html>"), "text", None])
def test_an_upload_is_looked_into(client, content):
    answer = client.post("/api/v1/uploads/", {"file": content} if content is not None else {})
    assert (answer.status_code, set(answer.json())) == (400, {"file"})
    assert not Upload.objects.exists()


def test_questions_and_extras_cost_one_statement_where_they_are_used_and_none_where_not(client, service):
    """Red when the API asks for questions without has_fields."""
    eve = service.employees.get(first_name="Eve").pk

    def statements(hour: int, **more: Any) -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            assert post(client, wish(service, soon(hour), employee=eve, **more)).status_code == 201
        return [one["sql"] for one in queries]

    statements(9)
    plain = statements(10)
    assert not [sql for sql in plain if "_extra" in sql or ("customfield" in sql and "EXISTS" not in sql) or "answer" in sql]
    field = make_field("Name")
    assert len(statements(11)) == len(plain) + 1
    assert len(statements(12, answers={str(field.pk): "Rex"})) == len(plain) + 2
    CustomField.objects.all().delete()
    towel = make_extra(service)
    assert len(statements(13)) == len(plain)
    assert len(statements(14, extras={str(towel.pk): 1})) == len(plain) + 2
    assert reverse("api:uploads") == "/api/v1/uploads/"
