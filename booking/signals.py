"""The one announcement the domain makes."""

from __future__ import annotations

from django.dispatch import Signal

# Sent by actions inside their transaction, with send(): a receiver that fails rolls the change back.
# Arguments: sender (the model class), item (the saved instance), origin (whatever caused it outside, e.g. a link; None: a person here).
item_changed = Signal()
