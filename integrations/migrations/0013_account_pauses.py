"""How often in a row the other side took no calls at all: the pauses grow."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("integrations", "0012_pair_mode")]

    operations = [migrations.AddField("account", "pauses", models.PositiveSmallIntegerField(default=0, editable=False))]
