"""The WSGI entry: `gunicorn config.wsgi`."""

from __future__ import annotations

import gc
import os
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
# All pages are imported now, so that no visitor waits for it; with --preload once for all workers, whose memory then stays shared.
import_module(settings.ROOT_URLCONF)
gc.freeze()
