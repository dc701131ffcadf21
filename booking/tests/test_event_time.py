"""The periods of a published event take the time of its organiser and staff, as appointments do."""

from __future__ import annotations

import pytest
from django.utils import timezone

from booking.actions import appointments, events
from booking.actions.customers import Guest
from booking.availability import is_bookable
from booking.errors import SlotTaken, WrongState
from booking.models import Allocation, Event, EventPeriod
from booking.signals import item_changed
from booking.tests.happening import make_event
from booking.tests.salon import make_employee, make_service, soon

pytestmark = pytest.mark.django_db


def taken() -> set[tuple[str, object]]:
    """(whose, from when) of all that is held."""
    return {(row.calendar.name, row.start) for row in Allocation.objects.select_related("calendar")}


def is_free(employee, start) -> bool:
    service = employee.services.first() or make_service(employee)
    return is_bookable(service=service, employee=employee, start=start, now=timezone.now()) is not None


def book(employee, start, **fields):
    guest = Guest(first_name="Clara", email="clara@example.org")
    return appointments.book(service=make_service(employee, **fields), start=start, guest=guest, now=timezone.now(), employee=employee).appointment


def test_slots_of_organizer_and_staff_close_while_it_takes_place_and_open_again_when_it_is_cancelled():
    """Red when publish() does not call _take, and when cancel() does not free."""
    eve, finn, gil = make_employee("Eve"), make_employee("Finn"), make_employee("Gil")
    event = make_event(eve, soon(10), soon(10, days=8), staff=[finn])
    assert taken() == {(name, soon(10, days=days)) for name in ("Eve", "Finn") for days in (7, 8)}
    assert [is_free(one, soon(11)) for one in (eve, finn, gil)] == [False, False, True]
    assert is_free(eve, soon(12))
    events.cancel(event=event, now=timezone.now())
    assert not taken()
    assert is_free(eve, soon(11))
    events.reinstate(event=event, now=timezone.now())
    assert not is_free(eve, soon(11))


def test_a_draft_takes_no_time():
    eve = make_employee("Eve")
    make_event(eve, soon(10), published=False)
    assert is_free(eve, soon(10))


def test_changing_staff_and_periods_frees_and_takes():
    eve, finn, gil = make_employee("Eve"), make_employee("Finn"), make_employee("Gil")
    event = make_event(eve, soon(10), soon(10, days=8), staff=[finn])
    first, second = event.periods.all()
    wanted = [events.Span(soon(12), soon(14), first.pk), events.Span(soon(9, days=9), soon(10, days=9))]
    events.change(event=event, staff=[gil], periods=wanted, now=timezone.now())
    assert taken() == {(name, start) for name in ("Eve", "Gil") for start in (soon(12), soon(9, days=9))}
    second.refresh_from_db()
    assert second.is_cancelled, "what people have in their calendars is cancelled, not forgotten"
    events.change(event=event, fields={"organizer": finn}, now=timezone.now())
    assert {name for name, _start in taken()} == {"Finn", "Gil"}


def test_a_clash_names_whose_time_what_and_when_and_changes_nothing():
    """Red with describe() left out: only "An event is at this time."."""
    eve, finn = make_employee("Eve", last_name="Adler"), make_employee("Finn")
    book(finn, soon(11), name="Colour")
    event = make_event(eve, soon(14))
    with pytest.raises(SlotTaken, match=r"Finn already has “Colour” on .* from 11"):
        events.change(event=event, staff=[finn], periods=[events.Span(soon(10), soon(12), event.periods.get().pk)], now=timezone.now())
    event = Event.objects.get()
    assert (event.staffings.count(), event.periods.get().start) == (0, soon(14))
    assert ("Eve", soon(14)) in taken()
    with pytest.raises(SlotTaken, match="Eve Adler already has “Perfume evening”"):
        make_event(eve, soon(15), slug="other")


def test_an_appointment_cannot_be_booked_or_moved_onto_it():
    eve = make_employee("Eve")
    make_event(eve, soon(10))
    with pytest.raises(SlotTaken):
        book(eve, soon(11))
    appointment = book(eve, soon(14))
    with pytest.raises(SlotTaken, match="An event is at this time"):
        appointments.move(appointment=appointment, start=soon(11, 45), end=soon(12, 15), now=timezone.now())


def test_buffers_of_appointments_give_way_to_it():
    eve = make_employee("Eve")
    appointment = book(eve, soon(9), buffer_after=30, duration=60)
    make_event(eve, soon(10))
    appointment.refresh_from_db()
    assert appointment.buffer_after == 0
    assert {(row.start, row.end) for row in Allocation.objects.all()} == {(soon(9), soon(10)), (soon(10), soon(12))}


def test_periods_of_one_event_must_not_overlap():
    with pytest.raises(SlotTaken, match="overlap"):
        make_event(make_employee(), soon(10), soon(11))


def test_one_period_moves_ends_and_comes_back_and_the_last_takes_the_event_with_it():
    eve = make_employee("Eve")
    event = make_event(eve, soon(10), soon(10, days=8))
    first, second = event.periods.all()
    events.move_period(period=first, start=soon(15), end=soon(16), now=timezone.now())
    assert (first.start, first.sequence) == (soon(15), 1)
    events.cancel_period(period=second, now=timezone.now())
    assert second.is_cancelled
    assert taken() == {("Eve", soon(15))}
    events.cancel_period(period=first, now=timezone.now())
    event.refresh_from_db()
    assert (event.status, first.is_cancelled) == (Event.Status.CANCELLED, False)
    assert not taken()
    events.reinstate_period(period=first, now=timezone.now())
    assert taken() == {("Eve", soon(15))}
    events.reinstate_period(period=second, now=timezone.now())
    assert len(taken()) == 2


def test_whoever_listens_hears_of_each_period_also_of_an_erased_one():
    heard: list[int] = []

    def listen(*, item, **_):
        heard.append(item.pk)

    item_changed.connect(listen, sender=EventPeriod)
    try:
        event = make_event(make_employee(), soon(10), soon(10, days=8), published=False)
        first, second = event.periods.values_list("pk", flat=True)
        events.change(event=event, periods=[events.Span(soon(10), soon(11), first)], now=timezone.now())
        assert heard == [first, second, first, second]
        events.delete(event=event)
        assert heard[4:] == [first]
    finally:
        item_changed.disconnect(listen, sender=EventPeriod)


def test_what_is_over_or_in_another_state_is_refused():
    event = make_event(make_employee())
    with pytest.raises(WrongState):
        events.publish(event=event, now=timezone.now())
    with pytest.raises(WrongState, match="after the start"):
        events.move_period(period=event.periods.get(), start=soon(12), end=soon(12), now=timezone.now())
    with pytest.raises(WrongState, match="at least one period"):
        events.change(event=event, periods=[], now=timezone.now())
    events.cancel(event=event, now=timezone.now())
    for refused in (events.cancel, events.publish, events.change):
        with pytest.raises(WrongState):
            refused(event=event, now=timezone.now())
