"""What any answer must at least do: read the rows once, in order, and sweep them to free time. The measure for the other figures."""

from __future__ import annotations

from datetime import datetime

import psycopg

QUERY = """
SELECT calendar_id, start, "end" FROM (
    SELECT calendar_id, start, "end" FROM booking_busy UNION ALL SELECT calendar_id, start, "end" FROM booking_allocation
) AS taken
WHERE calendar_id = ANY(%(calendars)s) AND start < %(end)s AND "end" > %(start)s
ORDER BY calendar_id, start
"""


def free_intervals(connection: psycopg.Connection, calendars: list[int], start: datetime, end: datetime) -> dict[int, list[tuple[datetime, datetime]]]:
    """The gaps in [start, end) that nothing takes, by calendar; neither rules nor buffers nor steps."""
    free: dict[int, list[tuple[datetime, datetime]]] = {calendar: [] for calendar in calendars}
    current, at = 0, start
    rows = connection.execute(QUERY, {"calendars": calendars, "start": start, "end": end}).fetchall()
    for calendar, begin, until in rows:
        if calendar != current:
            if current and at < end:
                free[current].append((at, end))
            current, at = calendar, start
        if begin > at:
            free[current].append((at, begin))
        if until > at:
            at = until
    if current and at < end:
        free[current].append((at, end))
    return free
