"""What stands there may be a copy of the organiser's event; what attendees answer."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("integrations", "0011_rule_imports")]

    operations = [
        migrations.AddField("pair", "leftover", models.CharField(blank=True, max_length=1000, default=""), preserve_default=False),
        migrations.AddField("pair", "responses", models.JSONField(default=dict)),
        migrations.AddField("pair", "untold", models.BooleanField(db_index=True, default=False)),
        migrations.AddField("pair", "wait_until", models.DateTimeField(null=True)),
        migrations.AlterField(
            "pair",
            "mode",
            models.CharField(
                choices=[("own", "written by us"), ("moved", "moved here by its owner"), ("copy", "copy for an attendee")], default="own", max_length=5
            ),
        ),
    ]
