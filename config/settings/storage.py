"""Where rows and cached values are kept: `DATABASE_URL` and `CACHE_URL`."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from config.settings import environment as env

__all__ = ["CACHES", "DATABASES"]


def database(url: str) -> dict[str, Any]:
    """One entry of DATABASES; only SQLite and PostgreSQL are supported."""
    entry: dict[str, Any] = dict(dj_database_url.parse(url))
    options: dict[str, Any] = entry.setdefault("OPTIONS", {})
    if entry["ENGINE"] == "django.db.backends.sqlite3":
        # BEGIN IMMEDIATE takes the write lock at once: two bookings can't both have read the old state.
        options.setdefault("transaction_mode", "IMMEDIATE")
        options.setdefault("timeout", 20)
        durability = "OFF" if env.TESTING else "NORMAL"
        options.setdefault("init_command", f"PRAGMA journal_mode=WAL; PRAGMA synchronous={durability};")
        if env.TESTING:
            # A file, not memory: threads and further processes then meet real locks.
            folder = env.VAR_DIR / "test"
            folder.mkdir(parents=True, exist_ok=True)
            entry["TEST"] = {"NAME": str(folder / f"{os.getpid()}.sqlite3")}
    elif entry["ENGINE"] == "django.db.backends.postgresql":
        entry["CONN_MAX_AGE"] = env.number("CONN_MAX_AGE", 60)
        entry["CONN_HEALTH_CHECKS"] = True
        options.setdefault("server_side_binding", True)
        options.setdefault("prepare_threshold", 3)
    else:
        raise ImproperlyConfigured("DATABASE_URL must begin with sqlite:/// or postgres://.")
    return entry


def cache(url: str) -> dict[str, Any]:
    """One entry of CACHES. Throttles count in it, so all processes must share it."""
    scheme = urlsplit(url).scheme
    if scheme in {"redis", "rediss", "unix"}:
        return {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": url}
    if scheme == "file":
        return {
            "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
            "LOCATION": urlsplit(url).path,
            "OPTIONS": {"MAX_ENTRIES": 10_000},
        }
    if scheme == "locmem":
        return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    raise ImproperlyConfigured("CACHE_URL must begin with redis://, file:/// or locmem://.")


if not env.text("DATABASE_URL"):
    env.VAR_DIR.mkdir(parents=True, exist_ok=True)

DATABASES = {"default": database(env.text("DATABASE_URL", f"sqlite:///{env.VAR_DIR / 'kalends.sqlite3'}"))}
CACHES = {"default": cache(env.text("CACHE_URL", "locmem://" if env.TESTING else f"file://{env.VAR_DIR / 'cache'}"))}
