import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0004_history_stands_alone"),
    ]

    operations = [
        migrations.AlterField("run", "calendar", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="runs", to="booking.calendar", verbose_name="calendar")),
        migrations.AlterField("run", "link", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="runs", to="integrations.link")),
        migrations.AlterField("fieldchange", "pair", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="changes", to="integrations.pair")),
        migrations.AddIndex("fieldchange", models.Index(fields=["item_kind", "item_id"], name="fieldchange_item")),
    ]
