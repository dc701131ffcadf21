"""The admin pages of activities."""

from __future__ import annotations

from crm.admin import meeting

__all__ = ["meeting"]
