"""What runs in the background: each task calls one function and may run twice without harm."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from crm import actions


@shared_task
def roll_meetings() -> None:
    actions.roll(timezone.now())
