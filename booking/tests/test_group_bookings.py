"""Group appointments: customers join while places are left, bring others, and leave without ending it for the rest (catalogue P5)."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from booking.actions import appointments, attendances
from booking.actions.customers import Guest
from booking.availability import find_slots, next_slot
from booking.errors import SlotTaken, WrongState
from booking.models import Allocation, Appointment, Attendance, Message, Service
from booking.tests.salon import make_employee, make_service, soon, wish

pytestmark = pytest.mark.django_db

BOOK, SLOTS = "/api/v1/appointments/", "/api/v1/slots/"


@pytest.fixture
def yoga() -> Service:
    return make_service(make_employee("Eve"), name="Yoga", duration=60, max_capacity=4, price=Decimal("12.00"))


def post(client: Any, body: dict[str, Any]) -> Any:
    return client.post(BOOK, json.dumps(body), content_type="application/json")


def ask(client: Any, service: Service, persons: int = 1) -> dict[str, int]:
    """Start -> places left, on the day."""
    day = soon().date().isoformat()
    slots = client.get(SLOTS, {"service": service.pk, "from": day, "to": day, "timezone": "Europe/Berlin", "persons": persons}).json()["slots"]
    return {slot["start"][11:16]: slot["places_left"] for slot in slots}


def join(service: Service, name: str, *, persons: int = 1, **options: Any) -> Attendance:
    guest = Guest(first_name=name, email=f"{name.lower()}@example.org", language="en")
    return appointments.book(service=service, start=options.pop("start", soon(10)), guest=guest, now=timezone.now(), persons=persons, **options)


@pytest.mark.feature("P5")
def test_customers_share_an_appointment_until_its_places_are_taken(client, yoga):
    """Red with `_with_groups` taken out of find_spans: the second customer is refused though three places are left."""
    assert ask(client, yoga)["10:00"] == 4
    first = post(client, wish(yoga, soon(10), persons=2)).json()
    assert first["persons"] == 2
    assert ask(client, yoga)["10:00"] == 2
    assert "10:30" not in ask(client, yoga)  # she is busy then, and nothing begins there that could be joined
    assert "10:00" not in ask(client, yoga, persons=3)

    other = wish(yoga, soon(10), persons=3, customer={"first_name": "Dora", "last_name": "", "email": "dora@example.org"})
    refused = post(client, other)
    assert refused.status_code == 409
    assert refused.json()["detail"] == "Only 2 places are left at this time."
    assert all(slot["places_left"] >= 3 for slot in refused.json()["slots"])

    assert post(client, other | {"persons": 2}).status_code == 201
    assert "10:00" not in ask(client, yoga)
    appointment = Appointment.objects.get()
    assert [(one.persons, one.price) for one in appointment.attendances.order_by("pk")] == [(2, Decimal(24)), (2, Decimal(24))]
    assert Allocation.objects.count() == 1
    assert post(client, wish(yoga, soon(10))).status_code == 409


def test_more_than_can_come_at_all_are_refused_at_the_field(client, yoga):
    assert post(client, wish(yoga, soon(10), persons=5)).json()["persons"] == ["At most 4 persons can come."]
    assert post(client, wish(make_service(make_employee("Finn")), soon(10), persons=2)).status_code == 400
    assert post(client, wish(yoga, soon(10), persons=0)).status_code == 400
    assert post(client, wish(yoga, soon(10), persons="2.5")).status_code == 400
    with pytest.raises(WrongState):
        join(yoga, "Clara", persons=5)


def test_a_service_for_one_takes_one_and_says_nothing_of_places(client):
    haircut = make_service(make_employee("Finn"))
    day = soon().date().isoformat()
    assert "places_left" not in client.get(SLOTS, {"service": haircut.pk, "from": day, "to": day}).json()["slots"][0]
    assert post(client, wish(haircut, soon(10))).status_code == 201
    assert post(client, wish(haircut, soon(10))).status_code == 409


def test_whoever_joins_anyone_comes_to_the_group_that_is_there(yoga):
    yoga.employees.add(make_employee("Anna"))
    first = join(yoga, "Clara", employee=yoga.employees.get(first_name="Eve"))
    assert join(yoga, "Dora").appointment == first.appointment
    assert join(yoga, "Emil", persons=3).appointment != first.appointment


def test_another_service_at_the_same_time_is_another_appointment(yoga):
    join(yoga, "Clara")
    pilates = make_service(*yoga.employees.all(), name="Pilates", duration=60, max_capacity=4)
    with pytest.raises(SlotTaken):
        join(pilates, "Dora")


def test_the_customer_who_leaves_leaves_the_others_their_places(yoga):
    """Red when `end` frees the allocation whoever goes."""
    clara, dora = join(yoga, "Clara", persons=2), join(yoga, "Dora", persons=2)
    attendances.cancel(attendance=clara, now=timezone.now(), by_customer=True)
    appointment = Appointment.objects.get()
    assert (appointment.status, clara.status) == ("approved", "cancelled")
    assert Allocation.objects.count() == 1
    assert find_slots(service=yoga, start=soon(10), end=soon(10, 30), now=timezone.now(), persons=2)
    dora.refresh_from_db()
    attendances.cancel(attendance=dora, now=timezone.now())
    appointment.refresh_from_db()
    assert appointment.status == "cancelled"
    assert not Allocation.objects.exists()


def test_whoever_comes_twice_has_two_bookings_each_with_its_own_link(yoga):
    first, second = join(yoga, "Clara"), join(yoga, "Clara")
    attendances.cancel(attendance=first, now=timezone.now())
    assert join(yoga, "Clara").appointment == second.appointment
    assert [one.status for one in Attendance.objects.order_by("pk")] == ["cancelled", "approved", "approved"]


def test_one_of_several_moves_alone_and_joins_those_who_are_there(yoga):
    """Red when `_offered` always answers None: everybody is moved."""
    clara, dora = join(yoga, "Clara"), join(yoga, "Dora")
    attendances.reschedule(attendance=clara, start=soon(12), now=timezone.now(), by_customer=True)
    attendances.reschedule(attendance=join(yoga, "Emil"), start=soon(12), now=timezone.now())
    assert Appointment.objects.get(start=soon(10)).attendances.get() == dora
    at_noon = Appointment.objects.get(start=soon(12))
    assert [one.customer.first_name for one in at_noon.attendances.order_by("pk")] == ["Clara", "Emil"]
    assert at_noon.status == "approved"
    assert Allocation.objects.count() == 2
    # The last one takes the appointment along.
    dora.refresh_from_db()
    attendances.reschedule(attendance=dora, start=soon(14), now=timezone.now())
    assert Appointment.objects.get(start=soon(14)) == Appointment.objects.get(attendances=dora)
    # … or gives it up where others are.
    dora.refresh_from_db()
    attendances.reschedule(attendance=dora, start=soon(12), now=timezone.now())
    assert Appointment.objects.get(start=soon(14)).status == "cancelled"
    assert at_noon.attendances.count() == 3
    assert Allocation.objects.count() == 1


def test_a_move_to_too_few_places_leaves_everything_as_it_was(yoga):
    join(yoga, "Dora", persons=3, start=soon(12))
    clara = join(yoga, "Clara", persons=2)
    with pytest.raises(SlotTaken) as refused:
        attendances.reschedule(attendance=clara, start=soon(12), now=timezone.now())
    assert all(slot.places_left is not None and slot.places_left >= 2 for slot in refused.value.slots)
    clara.refresh_from_db()
    assert clara.appointment.start == soon(10)


def test_staff_moves_the_whole_group_and_never_into_another(yoga):
    clara, dora = join(yoga, "Clara"), join(yoga, "Dora")
    join(yoga, "Emil", start=soon(12))
    with pytest.raises(SlotTaken):
        appointments.reschedule(appointment=clara.appointment, start=soon(12), now=timezone.now())
    appointments.reschedule(appointment=clara.appointment, start=soon(14), now=timezone.now())
    assert Appointment.objects.get(start=soon(14)).attendances.count() == 2
    assert Message.objects.filter(kind="rescheduled", audience="customer").count() == 2
    assert Message.objects.filter(kind="rescheduled", audience="employee").count() == 1
    assert dora.appointment_id == clara.appointment_id


def test_approving_one_leaves_the_others_waiting_and_revives_nobody(yoga):
    """Red when approving sets every attendance, as it did while there was only one."""
    yoga.needs_approval = True
    yoga.save()
    clara, dora, emil = join(yoga, "Clara"), join(yoga, "Dora"), join(yoga, "Emil")
    now = timezone.now()
    attendances.cancel(attendance=emil, now=now)
    attendances.approve(attendance=clara, now=now)
    appointment = Appointment.objects.get()
    assert appointment.status == "approved"
    assert list(appointment.attendances.order_by("pk").values_list("status", flat=True)) == ["approved", "pending", "cancelled"]
    appointments.approve(appointment=appointment, now=now)
    assert list(appointment.attendances.order_by("pk").values_list("status", flat=True)) == ["approved", "approved", "cancelled"]
    frida = join(yoga, "Frida")
    assert frida.status == "pending"
    attendances.reject(attendance=frida, now=now)
    with pytest.raises(WrongState):
        attendances.approve(attendance=dora, now=now)
    appointment.refresh_from_db()
    assert appointment.status == "approved"


def test_a_cancelled_group_comes_back_with_those_who_came_to_it(yoga):
    clara, dora = join(yoga, "Clara"), join(yoga, "Dora", persons=2)
    now = timezone.now()
    attendances.cancel(attendance=clara, now=now)
    appointment = Appointment.objects.get()
    appointments.cancel(appointment=appointment, now=now)
    appointments.edit(appointment=appointment, changes={"internal_note": "ill"})
    appointments.reinstate(appointment=appointment, now=now)
    assert list(appointment.attendances.order_by("pk").values_list("status", flat=True)) == ["cancelled", "approved"]
    assert Message.objects.filter(kind="booked", attendance=dora, audience="customer").count() == 2


def test_it_waits_until_enough_have_booked_and_then_confirms_everybody(yoga):
    """Red without `settle`: the first stays pending for ever."""
    yoga.min_capacity = 3
    yoga.save()
    clara = join(yoga, "Clara", persons=2)
    assert (clara.status, clara.appointment.status) == ("pending", "pending")
    dora = join(yoga, "Dora")
    clara.refresh_from_db()
    assert (clara.status, dora.status, Appointment.objects.get().status) == ("approved", "approved", "approved")
    assert Message.objects.filter(kind="approved", attendance=clara, audience="customer").count() == 1
    attendances.cancel(attendance=clara, now=timezone.now())
    assert Appointment.objects.get().status == "approved"
    assert join(yoga, "Emil").status == "approved"
    # Enough at once need nobody else.
    assert join(yoga, "Frida", persons=3, start=soon(14)).status == "approved"


def test_the_next_free_time_is_a_group_with_places_where_that_comes_first(yoga):
    first = join(yoga, "Clara", start=soon(9, days=1))
    Appointment.objects.filter(pk=first.appointment_id).update(start=soon(8, days=1), end=soon(8, 45, days=1))  # staff has put it before her hours
    now = soon(7, days=1)
    found = next_slot(service=yoga, now=now)
    assert found == find_slots(service=yoga, start=now, end=soon(12, days=1), now=now)[0]
    assert (found.start, found.end, found.places_left, found.appointment) == (soon(8, days=1), soon(8, 45, days=1), 3, first.appointment_id)
    alone = next_slot(service=yoga, now=now, persons=4)
    assert alone is not None
    assert (alone.start, alone.appointment) == (soon(10, days=1), None)
    assert next_slot(service=yoga, now=now, persons=5) is None


def test_groups_cost_one_query_more_however_many_there_are(yoga):
    for hour in (9, 11, 13, 15):
        join(yoga, f"Guest{hour}", start=soon(hour))
    with CaptureQueriesContext(connection) as queries:
        find_slots(service=yoga, start=soon(0), end=soon(23), now=timezone.now())
    assert len(queries) == 3
