"""Whatever people do on both sides and whatever breaks meanwhile: once it ends, the sides agree and stay quiet."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
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
EXAMPLES = int(os.environ.get("KALENDS_EXAMPLES") or (10_000 if LONG else 500))
WORLDS = [(OursWins, 0.3), (TheirsWins, 0.2), (NewestWins, 0.2), (WithBuffers, 0.15), (OneWayThere, 0.15)]


@pytest.mark.django_db
@pytest.mark.parametrize(("machine", "share"), WORLDS, ids=[one.__name__ for one, _ in WORLDS])
def test_both_sides_agree_once_the_faults_end(machine: type[Machine], share: float, employee: Employee) -> None:
    # The short run takes the same examples each time, the long one new ones.
    plan = settings(
        max_examples=int(EXAMPLES * share),
        stateful_step_count=30,
        derandomize=not LONG,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
        phases=[Phase(x) for x in os.environ["KALENDS_PHASES"].split(",")] if os.environ.get("KALENDS_PHASES") else tuple(Phase),
        report_multiple_bugs=False,
    )
    with machine.begin(employee):
        run_state_machine_as_test(machine, settings=plan)
    print(sorted(machine.happened.items()))
