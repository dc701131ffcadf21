"""The same machine over servers that speak the providers' protocols, for what only goes wrong on the way there."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from booking.models import Employee
from integrations.tests.machine import Machine
from integrations.tests.remote_caldav import caldav_remote
from integrations.tests.remotes import Remote, google_remote, outlook_remote, watched


class OverGoogle(Machine):
    pass


class OverOutlook(Machine):
    pass


class OverCaldav(Machine):
    pass


WORLDS = [(OverGoogle, google_remote), (OverOutlook, outlook_remote), (OverCaldav, caldav_remote)]
LONG = bool(os.environ.get("KALENDS_LONG"))
EXAMPLES = int(os.environ.get("KALENDS_EXAMPLES", 10_000 if LONG else 50))
# Ids differ from run to run, and what happens with them: what comes only now and then is not demanded singly.
HAPPENS = {
    *("booked", "moved here", "cancelled here", "move there", "rename there", "copy there"),
    *("out create when", "out update when", "out delete event", "in update when", "in update title", "in conflict when", "pull: crashed"),
    *("changes busy", "page crash", "page lose-after", "page duplicate"),
}
HITS = {f"{call} {fault}" for call in ("create", "update", "delete") for fault in ("crash", "lose-after")}


@pytest.mark.once
@pytest.mark.django_db
@pytest.mark.parametrize(("world", "place"), WORLDS, ids=["google", "outlook", "caldav"])
def test_both_sides_agree_once_the_faults_end_over_the_wire_too(
    world: type[Machine], place: Callable[[], AbstractContextManager[Remote]], employee: Employee
) -> None:
    """Red when a failed look by id counts as proof that an event is gone, and without If-Match. Over CalDAV seen red when what stands there now is not compared
    with what was expected."""
    plan = settings(
        max_examples=EXAMPLES,
        stateful_step_count=11,
        derandomize=EXAMPLES == 50,  # as many as fit into the short run: the same each time
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    with place() as remote, watched(remote), world.begin(employee, remote):
        run_state_machine_as_test(world, settings=plan)
    missing = HAPPENS - set(world.happened)
    assert not missing, f"never happened: {sorted(missing)} of {world.happened}"
    assert HITS & set(world.happened), f"no write was hit: {world.happened}"
