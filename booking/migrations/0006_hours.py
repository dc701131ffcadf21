"""Hours per location and service, locations of a service, public holidays, closing days, and who may change the own hours."""

import booking.models.calendar
import django.db.models.deletion
from django.db import migrations, models


def keep_locations(apps, schema_editor):
    """The one location a service had."""
    service = apps.get_model("booking", "Service")
    links = service.locations.through.objects
    links.bulk_create(service.locations.through(service_id=pk, location_id=location) for pk, location in service.objects.exclude(location=None).values_list("pk", "location"))


def first_location(apps, schema_editor):
    service = apps.get_model("booking", "Service")
    for link in service.locations.through.objects.order_by("-pk"):
        service.objects.filter(pk=link.service_id).update(location=link.location_id)


def allow_employees(apps, schema_editor):
    """New installations get it with their groups; where there is the group already, its members may do what is new."""
    group = apps.get_model("auth", "Group").objects.filter(name="employee").first()
    if group is not None:
        kind, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(app_label="booking", model="workinghours")
        wanted = {"content_type": kind, "codename": "change_own_hours"}
        permission, _ = apps.get_model("auth", "Permission").objects.get_or_create(**wanted, defaults={"name": "Can change the own working hours"})
        group.permissions.add(permission)


class Migration(migrations.Migration):

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('contenttypes', '0002_remove_content_type_name'),
        ('booking', '0005_events'),
    ]

    operations = [
        migrations.AddField(
            model_name='service',
            name='locations',
            field=models.ManyToManyField(blank=True, help_text='Without one it takes place wherever the employee works.', related_name='services', to='booking.location', verbose_name='locations'),
        ),
        migrations.RunPython(keep_locations, first_location),
        migrations.RemoveField(
            model_name='historicalservice',
            name='location',
        ),
        migrations.RemoveField(
            model_name='service',
            name='location',
        ),
        # Calendars that are there already get no holidays: nobody has asked for them.
        migrations.AddField(
            model_name='calendar',
            name='holidays_country',
            field=models.CharField(blank=True, default='', max_length=2, verbose_name='public holidays of'),
        ),
        migrations.AlterField(
            model_name='calendar',
            name='holidays_country',
            field=models.CharField(blank=True, default=booking.models.calendar.default_country, max_length=2, verbose_name='public holidays of'),
        ),
        migrations.AddField(
            model_name='calendar',
            name='holidays_subdivision',
            field=models.CharField(blank=True, default='', max_length=20, verbose_name='federal state'),
        ),
        migrations.AlterField(
            model_name='calendar',
            name='holidays_subdivision',
            field=models.CharField(blank=True, default=booking.models.calendar.default_subdivision, max_length=20, verbose_name='federal state'),
        ),
        migrations.AddField(
            model_name='calendar',
            name='holidays_closed',
            field=models.BooleanField(default=True, verbose_name='closed on public holidays'),
        ),
        migrations.AlterModelOptions(
            name='workinghours',
            options={'ordering': ['weekday', 'start'], 'permissions': [('change_own_hours', 'Can change the own working hours')], 'verbose_name': 'working hours', 'verbose_name_plural': 'working hours'},
        ),
        migrations.AddField(
            model_name='workinghours',
            name='location',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='booking.location', verbose_name='location'),
        ),
        migrations.AddField(
            model_name='workinghours',
            name='services',
            field=models.ManyToManyField(blank=True, related_name='%(class)s_periods', to='booking.service', verbose_name='only for'),
        ),
        migrations.AddField(
            model_name='specialday',
            name='location',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='booking.location', verbose_name='location'),
        ),
        migrations.AddField(
            model_name='specialday',
            name='services',
            field=models.ManyToManyField(blank=True, related_name='%(class)s_periods', to='booking.service', verbose_name='only for'),
        ),
        migrations.AlterField(
            model_name='timeoff',
            name='calendar',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='time_off', to='booking.calendar', verbose_name='calendar'),
        ),
        migrations.CreateModel(
            name='ClosingDay',
            fields=[
            ],
            options={
                'verbose_name': 'closing day',
                'verbose_name_plural': 'closing days',
                'proxy': True,
                'indexes': [],
                'constraints': [],
            },
            bases=('booking.timeoff',),
        ),
        migrations.RunPython(allow_employees, migrations.RunPython.noop),
    ]
