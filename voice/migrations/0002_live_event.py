"""What watchers of calls are told."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("voice", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="LiveEvent",
            fields=[
                ("seq", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("call_started", "Call started"),
                            ("call_updated", "Call changed"),
                            ("call_ended", "Call ended"),
                            ("line", "Line of a transcript"),
                            ("tool_call", "Tool call"),
                            ("task_created", "Task created"),
                            ("task_changed", "Task changed"),
                        ],
                        max_length=16,
                    ),
                ),
                ("reference", models.CharField(blank=True, max_length=64)),
                (
                    "occurred_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "call",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="live_events",
                        to="voice.calllog",
                    ),
                ),
            ],
            options={
                "ordering": ["seq"],
                "indexes": [
                    models.Index(fields=["kind", "reference"], name="voice_livee_kind_6cffa3_idx"),
                ],
            },
        ),
    ]
