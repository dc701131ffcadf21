"""Staff put an appointment beside another one: buffers give way, the mover's first, then the neighbour's; appointments never."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from django.utils import timezone

from booking.actions import appointments
from booking.actions.customers import Guest
from booking.errors import SlotTaken
from booking.models import Allocation, Appointment, Staffing
from booking.signals import item_changed
from booking.tests.salon import make_employee, make_service, soon

pytestmark = pytest.mark.django_db


@pytest.fixture
def eve():
    return make_employee("Eve")


@pytest.fixture
def neighbour(eve) -> Appointment:
    """10:00 to 10:30, with 10 minutes before and 20 after."""
    return book(make_service(eve, name="Colour", buffer_before=10, buffer_after=20), 10)


@pytest.fixture
def mover(eve) -> Appointment:
    """15:00 to 15:30, with 5 minutes before and after."""
    return book(make_service(eve, buffer_before=5, buffer_after=5), 15)


def book(service, hour: int) -> Appointment:
    return appointments.book(service=service, start=soon(hour), guest=Guest(f"G{hour}", f"g{hour}@example.org"), now=timezone.now()).appointment


def move(one: Appointment, hour: int, minute: int) -> None:
    start = soon(hour, minute)
    appointments.move(appointment=one, start=start, end=start + timedelta(minutes=30), now=timezone.now())


def buffers(one: Appointment) -> tuple[int, int]:
    one.refresh_from_db()
    return one.buffer_before, one.buffer_after


def assert_exact() -> None:
    """Each appointment holds what it says, on each calendar, and none holds another's time."""
    for one in Appointment.objects.all():
        held = {(row.start, row.end) for row in Allocation.objects.filter(holder_id=one.pk)}
        assert held == {one.occupied}
    rows = list(Allocation.objects.order_by("calendar_id", "start"))
    assert all(a.end <= b.start for a, b in pairwise(rows) if a.calendar_id == b.calendar_id)


@pytest.mark.parametrize(
    ("hour", "minute", "movers", "neighbours"),
    [
        (10, 30, (0, 5), (10, 0)),  # right behind it
        (10, 44, (0, 5), (10, 14)),  # within its buffer
        (10, 50, (0, 5), (10, 20)),  # right behind its buffer: only the mover's gives way
        (10, 53, (3, 5), (10, 20)),
        (10, 55, (5, 5), (10, 20)),  # room for all
        (9, 30, (5, 0), (0, 20)),  # right before it
        (9, 22, (5, 0), (8, 20)),
        (9, 18, (5, 2), (10, 20)),
    ],
)
def test_the_movers_buffers_give_way_first_and_then_the_neighbours(mover, neighbour, hour, minute, movers, neighbours):
    """Seen red without `_yield`."""
    move(mover, hour, minute)
    assert (buffers(mover), buffers(neighbour)) == (movers, neighbours)
    assert_exact()


@pytest.mark.parametrize(("hour", "minute"), [(10, 29), (9, 31), (10, 0)])
def test_appointments_themselves_never_meet_and_a_refused_move_changes_nothing(mover, neighbour, hour, minute):
    with pytest.raises(SlotTaken, match="Another appointment"):
        move(mover, hour, minute)
    mover.refresh_from_db()
    assert mover.start == soon(15)
    assert (buffers(mover), buffers(neighbour)) == ((5, 5), (10, 20))
    assert_exact()


def test_between_two_a_move_that_the_second_refuses_leaves_the_first_its_buffer(eve, mover, neighbour):
    book(make_service(eve, name="Late"), 11)
    with pytest.raises(SlotTaken):
        move(mover, 10, 35)
    assert buffers(neighbour) == (10, 20)
    assert_exact()


def test_a_neighbour_of_two_people_makes_room_on_both_calendars_and_is_announced_once(eve, mover, neighbour):
    """Its events may span the buffers. Seen red without the signal, and with one calendar's allocation changed."""
    finn = make_employee("Finn")
    Staffing.objects.create(appointment=neighbour, employee=finn)
    Allocation.objects.create(calendar=finn.calendar, start=neighbour.occupied[0], end=neighbour.occupied[1], kind="appointment", holder_id=neighbour.pk)
    heard = []

    def listen(item, origin, **_: object) -> None:
        heard.append((item.pk, origin))

    item_changed.connect(listen)
    try:
        start = soon(10, 30)
        appointments.move(appointment=mover, start=start, end=start + timedelta(minutes=30), now=timezone.now(), origin="a link")
    finally:
        item_changed.disconnect(listen)
    assert heard == [(neighbour.pk, None), (mover.pk, "a link")]
    assert_exact()
    assert neighbour.history.first().history_change_reason == "made room for a neighbour"


def test_what_is_no_appointment_gives_no_way(eve, mover):
    """Another holder has no buffers that we know of."""
    Allocation.objects.create(calendar=eve.calendar, start=soon(10), end=soon(10, 30), kind="event", holder_id=1)
    with pytest.raises(SlotTaken):
        move(mover, 10, 29)
    move(mover, 10, 30)
    assert buffers(mover) == (0, 5)
