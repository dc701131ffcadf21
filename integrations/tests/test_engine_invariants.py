"""Whatever people do on both sides and whatever breaks meanwhile: once it ends, the sides agree and stay quiet."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from booking.models import Employee
from integrations.tests.machine import Machine


class OursWins(Machine):
    pass


class TheirsWins(Machine):
    priority, on_remote_delete = "theirs", "restore"


class NewestWins(Machine):
    priority, on_remote_delete = "newest", "unlink"


class WithBuffers(Machine):
    buffers = True


class OneWayThere(Machine):
    direction = "to"


LONG = bool(os.environ.get("KALENDS_LONG"))
EXAMPLES = 10_000 if LONG else 500
PEOPLE = {
    "booked",
    "moved here",
    "cancelled here",
    "move there",
    "onto another there",
    "rename there",
    "delete there",
    "move away and back there",
    "copy there",
}
TROUBLES = {
    "pull: crashed",
    "drain: crashed",
    "create crash",
    "update lose-after",
    "page crash",
    "page duplicate",
    "changes expired",
    "listing short",
    "second worker",
}
OUT = {"out create when", "out update when", "out delete event"}
IN = {"in update when", "in update title", "in conflict when"}
WORLDS = [
    (OursWins, 0.3, IN | {"in delete event", "both moved"}),
    (TheirsWins, 0.2, IN | {"both moved"}),
    (NewestWins, 0.2, IN | {"in delete event", "both moved"}),
    (WithBuffers, 0.15, IN | {"in delete event"}),
    (OneWayThere, 0.15, {"both moved"}),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("machine", "share", "kinds"), WORLDS, ids=[one[0].__name__ for one in WORLDS])
def test_both_sides_agree_once_the_faults_end(machine: type[Machine], share: float, kinds: set[str], employee: Employee) -> None:
    """Seen red without: the echo test (every change taken for an echo), If-Match, the priority "theirs", the look by id of what a listing left out, the saved
    intent of a create, the lease, the outbox row of what is put back."""
    # The short run takes the same examples each time, the long one new ones.
    plan = settings(
        max_examples=int(EXAMPLES * share),
        stateful_step_count=30,
        derandomize=not LONG,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    with machine.begin(employee):
        run_state_machine_as_test(machine, settings=plan)
    missing = (PEOPLE | TROUBLES | OUT | kinds) - set(machine.happened)
    assert not missing, f"never happened: {sorted(missing)} of {machine.happened}"
