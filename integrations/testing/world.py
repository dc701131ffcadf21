"""The world a provider is tested in: what a test can do at the other side, and the events it does it with."""

from __future__ import annotations
