import django.db.models.deletion
from django.db import migrations, models
from django.db.models import OuterRef, Subquery


def fill(apps, schema_editor):
    Run, FieldChange, Link, Pair = (apps.get_model("integrations", name) for name in ("Run", "FieldChange", "Link", "Pair"))
    link, pair = Link.objects.filter(pk=OuterRef("link")), Pair.objects.filter(pk=OuterRef("pair"))
    Run.objects.update(calendar=Subquery(link.values("calendar")), remote_name=Subquery(link.values("remote_name")))
    FieldChange.objects.update(item_kind=Subquery(pair.values("kind")), item_id=Subquery(pair.values("item_id")))


class Migration(migrations.Migration):
    """The history says itself whose and of what it is. The next migration makes the calendar compulsory: PostgreSQL wants that in another transaction."""

    dependencies = [
        ("booking", "0004_look_forward"),
        ("integrations", "0003_account_disconnecting"),
    ]

    operations = [
        migrations.AddField("run", "calendar", models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name="runs", to="booking.calendar", verbose_name="calendar")),
        migrations.AddField("run", "remote_name", models.CharField(default="", max_length=300, verbose_name="calendar there"), preserve_default=False),
        migrations.AddField("fieldchange", "item_kind", models.CharField(default="", max_length=20), preserve_default=False),
        migrations.AddField("fieldchange", "item_id", models.PositiveBigIntegerField(default=0), preserve_default=False),
        migrations.AddField("fieldchange", "private", models.BooleanField(default=True, editable=False)),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
