"""What `manage.py check` says about the shop's own settings."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ValidationError

from booking import public_holidays


@register()
def holidays_are_known(app_configs: Any, **options: Any) -> list[CheckMessage]:
    try:
        public_holidays.check(settings.HOLIDAYS_COUNTRY, settings.HOLIDAYS_SUBDIVISION)
    except ValidationError as error:
        hint = "Use codes like DE and BE, or leave both empty."
        return [Error(f"HOLIDAYS_COUNTRY and HOLIDAYS_SUBDIVISION: {' '.join(error.messages)}", hint=hint, id="booking.E001")]
    return []
