"""The tables of activities."""

from __future__ import annotations

from crm.models.meeting import LIVE, Meeting, MeetingSource

__all__ = ["LIVE", "Meeting", "MeetingSource"]
