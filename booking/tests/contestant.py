"""The processes of a contest: they read rounds from the input and do all deeds of a round at the given moment, each in a thread of its own."""

from __future__ import annotations

import http.client
import json
import multiprocessing
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from multiprocessing.connection import Connection
from typing import Any
from urllib.parse import urlsplit

import django

THREADS = 13
local = threading.local()

Result = dict[str, Any]


def main(url: str, processes: int) -> None:
    """They are forks of this one, which has loaded all that they need."""
    django.setup()
    doors = make_doors(urlsplit(url).netloc)
    fork = multiprocessing.get_context("fork")
    pipes = []
    for _ in range(processes):
        ours, theirs = fork.Pipe()
        fork.Process(target=contend, args=(theirs, doors), daemon=True).start()
        pipes.append(ours)
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        for at, pipe in enumerate(pipes):
            pipe.send((order["start"], order["deeds"][at::processes]))
        print(json.dumps([result for pipe in pipes for result in pipe.recv()]), flush=True)


def contend(pipe: Connection, doors: dict[str, Callable[[dict[str, Any]], Result]]) -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        while True:
            start, deeds = pipe.recv()
            pipe.send(list(pool.map(lambda deed, start=start: timed(doors[deed["door"]], deed, start), deeds)))


def timed(door: Callable[[dict[str, Any]], Result], deed: dict[str, Any], start: float) -> Result:
    time.sleep(max(0, start - time.time()))
    begun = time.monotonic()
    result = door(deed)
    return {"door": deed["door"], **result, "seconds": time.monotonic() - begun}


def make_doors(address: str) -> dict[str, Callable[[dict[str, Any]], Result]]:
    from django.db import connection
    from django.test import Client
    from django.utils import timezone

    from booking.actions import appointments, events, waiting
    from booking.actions.customers import Guest
    from booking.errors import BookingError
    from booking.models import Appointment, Employee, Event, Service, WaitingEntry

    def post(deed: dict[str, Any]) -> Result:
        """Over HTTP, by a connection that is kept open as a browser does."""
        if not hasattr(local, "connection"):
            local.connection = http.client.HTTPConnection(address, timeout=60)
        headers = {"Content-Type": "application/json", **deed.get("headers", {})}
        local.connection.request("POST", deed.get("path", "/api/v1/appointments/"), json.dumps(deed["body"]), headers)
        answer = local.connection.getresponse()
        return {"status": answer.status, "body": json.loads(answer.read() or b"null") if answer.status < 500 else None}

    def action(act: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], Result]:
        def door(deed: dict[str, Any]) -> Result:
            try:
                act(deed)
            except BookingError as error:
                return {"status": 409, "body": error.code}
            except Exception as error:  # an unexpected error is a result too: the contest fails by it
                return {"status": 500, "body": repr(error)}
            finally:
                connection.close()
            return {"status": 201, "body": None}

        return door

    def appointment(deed: dict[str, Any]) -> Appointment:
        return Appointment.objects.get(pk=deed["appointment"])

    def instant(deed: dict[str, Any], name: str) -> datetime:
        return datetime.fromisoformat(deed[name])

    def book(deed: dict[str, Any]) -> None:
        guest = Guest(first_name="Carla", email="carla@example.org")
        service, employee = Service.objects.get(pk=deed["service"]), Employee.objects.get(pk=deed["employee"])
        appointments.book(service=service, start=instant(deed, "start"), guest=guest, now=timezone.now(), employee=employee)

    def admin(deed: dict[str, Any]) -> Result:
        """The change page: what it shows is sent back with another time."""
        client = Client(raise_request_exception=False)
        client.cookies["session"] = deed["session"]
        url = f"/admin/booking/appointment/{deed['appointment']}/change/"
        typed = dict(deed["typed"]) | {"attendances-TOTAL_FORMS": "0", "attendances-INITIAL_FORMS": "0"}
        answer = client.post(url, typed, headers={"host": "localhost"})
        connection.close()
        return {"status": {302: 201, 200: 409}.get(answer.status_code, answer.status_code), "body": None}

    return {
        "post": post,
        "book": action(book),
        "reschedule": action(lambda deed: appointments.reschedule(appointment=appointment(deed), start=instant(deed, "start"), now=timezone.now())),
        "move": action(
            lambda deed: appointments.move(appointment=appointment(deed), start=instant(deed, "start"), end=instant(deed, "end"), now=timezone.now())
        ),
        "reassign": action(
            lambda deed: appointments.reassign(appointment=appointment(deed), employee=Employee.objects.get(pk=deed["employee"]), now=timezone.now())
        ),
        "publish": action(lambda deed: events.publish(event=Event.objects.get(pk=deed["event"]), now=timezone.now())),
        "claim": action(lambda deed: waiting.claim(entry=WaitingEntry.objects.get(pk=deed["entry"]), start=instant(deed, "start"), now=timezone.now())),
        "tell": action(lambda _deed: waiting.tell(now=timezone.now())),
        "reinstate": action(lambda deed: appointments.reinstate(appointment=appointment(deed), now=timezone.now())),
        "admin": admin,
    }


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
