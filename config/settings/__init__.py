"""All settings, read from the environment. One file per topic, put together here."""

from __future__ import annotations

from config.settings.accounts import *  # noqa: F403
from config.settings.api import *  # noqa: F403
from config.settings.background import *  # noqa: F403
from config.settings.base import *  # noqa: F403
from config.settings.logs import *  # noqa: F403
from config.settings.mail import *  # noqa: F403
from config.settings.security import *  # noqa: F403
from config.settings.storage import *  # noqa: F403
from config.settings.sync import *  # noqa: F403
