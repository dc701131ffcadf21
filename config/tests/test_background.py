"""What Celery promises, and that the schedule names real tasks and keeps what an admin edits."""

from __future__ import annotations

import pytest
from django.apps import apps
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from config.celery import app
from config.schedule import SCHEDULE, ensure_schedule


def test_a_killed_worker_gives_its_task_back():
    assert app.conf.task_acks_late
    assert app.conf.task_reject_on_worker_lost
    assert app.conf.worker_prefetch_multiplier == 1


def test_tasks_are_json_in_utc_and_leave_no_results():
    assert app.conf.accept_content == ["json"]
    assert app.conf.task_serializer == "json"
    assert app.conf.enable_utc
    assert app.conf.task_ignore_result


def test_the_time_limit_ends_before_a_task_is_delivered_again():
    assert app.conf.task_soft_time_limit < app.conf.task_time_limit < app.conf.visibility_timeout


def test_the_schedule_names_tasks_that_exist():
    app.loader.import_default_modules()
    assert [task for task, _ in SCHEDULE.values() if task not in app.tasks] == []


@pytest.mark.django_db
def test_the_schedule_is_written_by_migrate():
    assert set(SCHEDULE) <= set(PeriodicTask.objects.values_list("name", flat=True))


@pytest.mark.django_db
def test_an_interval_that_an_admin_edited_survives_the_next_migrate():
    """Seen red with update_or_create in place of get_or_create."""
    task = PeriodicTask.objects.get(name=next(iter(SCHEDULE)))
    task.interval = IntervalSchedule.objects.create(every=7, period=IntervalSchedule.MINUTES)
    task.save()
    ensure_schedule(sender=apps.get_app_config("config"), using="default")
    task.refresh_from_db()
    assert task.interval.every == 7
