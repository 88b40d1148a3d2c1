"""When visits can take place: the clinic's rules and hours, the nurses' windows, kinds of visit."""

import re
import uuid
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from scheduling.constraints import WholeMinute

LONGEST_VISIT_MINUTES = 720
WHOLE_MINUTES = "Times are whole minutes."
CODE_BEGINNING = re.compile(r"[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{0,4})?")  # of ICD-10-CM


class Weekday(models.IntegerChoices):
    """Days as Python's `date.weekday()` counts them."""

    MONDAY = 0, "Monday"
    TUESDAY = 1, "Tuesday"
    WEDNESDAY = 2, "Wednesday"
    THURSDAY = 3, "Thursday"
    FRIDAY = 4, "Friday"
    SATURDAY = 5, "Saturday"
    SUNDAY = 6, "Sunday"


class Clinic(models.Model):
    """The clinic's own rules and texts; there is at most one row, defaults hold without it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    only = models.BooleanField(default=True, unique=True, editable=False)
    address = models.CharField(max_length=300, blank=True)
    bring_en = models.TextField("what to bring, English", blank=True)
    bring_es = models.TextField("what to bring, Spanish", blank=True)
    services_en = models.TextField("services, English", blank=True)
    services_es = models.TextField("services, Spanish", blank=True)
    minimum_notice_minutes = models.PositiveIntegerField(
        default=120, help_text="A visit begins at least this many minutes from now."
    )
    horizon_days = models.PositiveSmallIntegerField(
        default=180, help_text="A visit begins at most this many days from now."
    )
    late_change_hours = models.PositiveSmallIntegerField(
        default=24, help_text="A change less than this many hours ahead counts as late."
    )
    too_late_hours = models.PositiveSmallIntegerField(
        default=2, help_text="Patients cannot change a visit less than this many hours ahead."
    )
    slot_step_minutes = models.PositiveSmallIntegerField(
        default=30, validators=[MinValueValidator(5), MaxValueValidator(240)]
    )

    class Meta:
        verbose_name_plural = "clinic"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=Q(only=True), name="clinic_only_one"),
            models.CheckConstraint(
                condition=Q(slot_step_minutes__gte=5, slot_step_minutes__lte=240),
                name="clinic_step_bounded",
            ),
            models.CheckConstraint(
                condition=Q(horizon_days__gte=1, horizon_days__lte=730),
                name="clinic_horizon_bounded",
                violation_error_message="The horizon is 1 to 730 days.",
            ),
            models.CheckConstraint(
                condition=Q(too_late_hours__lte=F("late_change_hours")),
                name="clinic_too_late_after_late",
                violation_error_message="A change is late before it is too late.",
            ),
        ]

    def __str__(self) -> str:
        return "Clinic"


class OpeningHours(models.Model):
    """When somebody of the clinic answers the phone, in the clinic's time zone."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    weekday = models.PositiveSmallIntegerField(choices=Weekday.choices)
    opens = models.TimeField()
    closes = models.TimeField()

    class Meta:
        verbose_name_plural = "opening hours"
        ordering: ClassVar[list[str]] = ["weekday", "opens", "id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["weekday", "opens"], name="opening_once"),
            models.CheckConstraint(
                condition=Q(closes__gt=F("opens")),
                name="opening_ends_after_start",
                violation_error_message="Closing comes after opening.",
            ),
            models.CheckConstraint(condition=Q(weekday__lte=6), name="opening_weekday"),
            models.CheckConstraint(
                condition=Q(WholeMinute("opens")) & Q(WholeMinute("closes")),
                name="opening_whole_minutes",
                violation_error_message=WHOLE_MINUTES,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.opens:%H:%M}–{self.closes:%H:%M}"


class Holiday(models.Model):
    """A date on which the clinic is closed; windows written for the date itself still count."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    date = models.DateField(unique=True)
    name = models.CharField(max_length=100)

    class Meta:
        ordering: ClassVar[list[str]] = ["date"]

    def __str__(self) -> str:
        return f"{self.name}, {self.date}"


class Specialization(models.Model):
    """What a nurse is trained for, and the conditions that it serves."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100, unique=True)
    code = models.SlugField(max_length=40, unique=True)
    condition_codes = models.JSONField(
        "conditions",
        default=list,
        blank=True,
        help_text='Beginnings of ICD-10-CM codes that it serves, such as ["L89", "E11.6"].',
    )

    class Meta:
        ordering: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse what is no list of beginnings of codes."""
        codes: Any = self.condition_codes
        if not isinstance(codes, list) or not all(
            isinstance(code, str) and CODE_BEGINNING.fullmatch(code) for code in codes
        ):
            raise ValidationError(
                {"condition_codes": 'Write a list of beginnings of codes, such as ["L89"].'}
            )


class VisitType(models.Model):
    """A kind of visit: how long it lasts and who can make it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=100)
    name_es = models.CharField("name in Spanish", max_length=100, blank=True)
    length_minutes = models.PositiveSmallIntegerField()
    specialization = models.ForeignKey(
        Specialization,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="visit_types",
        help_text="Only nurses with it make this visit; empty: every nurse.",
    )
    bookable_by_phone = models.BooleanField(default=True)
    in_patient_state = models.BooleanField(
        "license of the patient's state",
        default=False,
        help_text="The nurse's license must be of the state in which the patient lives.",
    )
    continuity_patience_days = models.PositiveSmallIntegerField(
        default=7, help_text="How long the primary nurse is worth waiting for; 0 if urgent."
    )
    active = models.BooleanField(default=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["name", "id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(length_minutes__gte=5, length_minutes__lte=LONGEST_VISIT_MINUTES),
                name="visit_type_length",
                violation_error_message=f"A visit lasts 5 to {LONGEST_VISIT_MINUTES} minutes.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Availability(models.Model):
    """
    A weekly window in the nurse's time zone.

    An end that is not after the start lies on the next day; 00:00–00:00 is the whole day. The validity dates,
    both inclusive, are of the day on which the window opens (scheduling reference, section 2).
    """

    class Kind(models.TextChoices):
        WORK = "work", "Work"
        BREAK = "break", "Break"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    nurse = models.ForeignKey(
        "scheduling.Nurse", on_delete=models.CASCADE, related_name="availability"
    )
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.WORK)
    weekday = models.PositiveSmallIntegerField(choices=Weekday.choices)
    start = models.TimeField()
    end = models.TimeField()
    valid_from = models.DateField(null=True, blank=True)
    valid_until = models.DateField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "availability"
        ordering: ClassVar[list[str]] = ["nurse", "weekday", "start", "id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["nurse", "valid_until"], name="availability_validity"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=Q(weekday__lte=6), name="availability_weekday"),
            models.CheckConstraint(
                condition=Q(WholeMinute("start")) & Q(WholeMinute("end")),
                name="availability_whole_minutes",
                violation_error_message=WHOLE_MINUTES,
            ),
            models.CheckConstraint(
                condition=Q(valid_from__isnull=True)
                | Q(valid_until__isnull=True)
                | Q(valid_until__gte=F("valid_from")),
                name="availability_validity_in_order",
                violation_error_message="The last day is not before the first.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.start:%H:%M}–{self.end:%H:%M}"


class AvailabilityOverride(models.Model):
    """
    A change of one nurse's hours: on one local date, or time off over a range.

    With `date`: `add`, `remove` or `replace` of that date's time; without `start` and `end` the whole local day.
    With `starts_at` and `ends_at`: time off, always `remove`, over as many days as it takes.
    """

    class Effect(models.TextChoices):
        ADD = "add", "Add time"
        REMOVE = "remove", "Remove time"
        REPLACE = "replace", "Replace the day"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    nurse = models.ForeignKey(
        "scheduling.Nurse", on_delete=models.CASCADE, related_name="overrides"
    )
    effect = models.CharField(max_length=8, choices=Effect.choices, default=Effect.REMOVE)
    date = models.DateField(null=True, blank=True)
    start = models.TimeField(null=True, blank=True)
    end = models.TimeField(null=True, blank=True)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["nurse", "date", "starts_at", "start", "id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["nurse", "date"], name="override_date"),
            models.Index(fields=["nurse", "ends_at"], name="override_range"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(date__isnull=False, starts_at__isnull=True, ends_at__isnull=True)
                | Q(
                    date__isnull=True,
                    start__isnull=True,
                    end__isnull=True,
                    starts_at__isnull=False,
                    ends_at__isnull=False,
                    effect="remove",
                ),
                name="override_date_or_range",
                violation_error_message="Give a date, or for time off a beginning and an end.",
            ),
            models.CheckConstraint(
                condition=Q(start__isnull=True, end__isnull=True)
                | Q(start__isnull=False, end__isnull=False),
                name="override_both_times",
                violation_error_message="Give both times, or none for the whole day.",
            ),
            models.CheckConstraint(
                condition=Q(starts_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                name="override_ends_after_start",
                violation_error_message="The end comes after the beginning.",
            ),
            models.CheckConstraint(
                condition=(Q(start__isnull=True) | Q(WholeMinute("start")))
                & (Q(end__isnull=True) | Q(WholeMinute("end")))
                & (Q(starts_at__isnull=True) | Q(WholeMinute("starts_at")))
                & (Q(ends_at__isnull=True) | Q(WholeMinute("ends_at"))),
                name="override_whole_minutes",
                violation_error_message=WHOLE_MINUTES,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_effect_display()} {self.date or self.starts_at}"

    def clean(self) -> None:
        """Refuse a range that adds time: only windows of a date can."""
        if self.starts_at and self.effect != self.Effect.REMOVE:
            raise ValidationError({"effect": "A range can only remove time."})
