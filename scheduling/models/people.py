"""Patients, who may speak for them, the nurses, and who cares for whom."""

import uuid
from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from scheduling.names import name_key

MAX_BUFFER_MINUTES = 240
MAX_DAILY_CAP = 100

if TYPE_CHECKING:  # the stubs know the class as generic, Django itself does not
    NameKeyBase = models.CharField[str, str]
else:
    NameKeyBase = models.CharField

e164 = RegexValidator(
    r"^\+[1-9]\d{6,14}$", "Write the number with its country code, such as +12025550101."
)


def validate_zone(name: str) -> None:
    """Refuse a name that is not in the IANA time zone database."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValidationError("Choose an IANA time zone, such as America/New_York.") from error


class NameKeyField(NameKeyBase):
    """The comparable form of the row's first and last name, kept up to date on every save."""

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        """Compute the key; `bulk_create` calls this too, `QuerySet.update` does not."""
        first = getattr(model_instance, "first_name", "")
        key = name_key(f"{first} {getattr(model_instance, 'last_name', '')}")
        setattr(model_instance, self.attname, key)
        return key


class MessageChannel(models.TextChoices):
    """By which way somebody wants to be told."""

    SMS = "sms", "Text message"
    EMAIL = "email", "E-mail"


class Patient(models.Model):
    """Somebody the clinic cares for; `provisional` until staff have checked a record made by phone."""

    class Language(models.TextChoices):
        ENGLISH = "en", "English"
        SPANISH = "es", "Spanish"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    first_name = models.CharField(max_length=100)
    last_name = models.CharField(max_length=100, blank=True)
    name_key = NameKeyField(max_length=210, editable=False)
    date_of_birth = models.DateField()
    phone = models.CharField(max_length=16, blank=True, validators=[e164])
    second_phone = models.CharField(max_length=16, blank=True, validators=[e164])
    email = models.EmailField(blank=True)
    postal_code = models.CharField(max_length=12, blank=True)
    state = models.CharField(
        max_length=2, blank=True, help_text="Two letters; decides which nursing license counts."
    )
    reference_number = models.CharField(max_length=24, blank=True)
    pin_hash = models.CharField(max_length=128, blank=True, editable=False)
    preferred_language = models.CharField(
        max_length=8, choices=Language.choices, default=Language.ENGLISH
    )
    time_zone = models.CharField(
        max_length=64, blank=True, validators=[validate_zone], help_text="Empty: the clinic's."
    )
    message_channel = models.CharField(
        max_length=8,
        choices=MessageChannel.choices,
        default=MessageChannel.SMS,
        help_text="How this patient wants to be told of visits; a consent is needed besides.",
    )
    remind_48h = models.BooleanField("remind two days before", default=True)
    remind_2h = models.BooleanField("remind two hours before", default=True)
    active = models.BooleanField(default=True)
    deceased = models.BooleanField(default=False)
    provisional = models.BooleanField(
        default=False, help_text="Registered by phone and not yet checked by staff."
    )
    registration_reason = models.CharField(max_length=500, blank=True)
    erased_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Since then the name is a pseudonym."
    )
    sample = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["last_name", "first_name", "id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["name_key", "date_of_birth"], name="patient_identity"),
            models.Index(fields=["last_name", "first_name", "id"], name="patient_order"),
            models.Index(fields=["phone"], name="patient_phone"),
            # Lists of the API, and programs that ask for what is new.
            models.Index(fields=["created_at", "id"], name="patient_created"),
            models.Index(fields=["updated_at", "id"], name="patient_updated"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["reference_number"],
                condition=~Q(reference_number=""),
                name="patient_reference_once",
            ),
            models.CheckConstraint(condition=~Q(first_name=""), name="patient_has_name"),
        ]

    def __str__(self) -> str:
        return f"Patient {self.id}"

    @property
    def name(self) -> str:
        """Return first and last name as people say them."""
        return f"{self.first_name} {self.last_name}".strip()


class PatientRelation(models.Model):
    """A guardian or representative who may arrange visits for a patient."""

    class Kind(models.TextChoices):
        GUARDIAN = "guardian", "Guardian"
        REPRESENTATIVE = "representative", "Representative"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="relations")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    name = models.CharField(max_length=200)
    phone = models.CharField(max_length=16, blank=True, validators=[e164])
    related_patient = models.ForeignKey(
        Patient,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="speaks_for",
        help_text="If this person is a patient too.",
    )
    may_schedule = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["patient", "kind", "name", "id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(related_patient__isnull=True) | ~Q(related_patient=models.F("patient")),
                name="relation_not_self",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of patient {self.patient_id}"


class MedicalCondition(models.Model):
    """What a patient suffers from; never read by the phone assistant."""

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        RESOLVED = "resolved", "Resolved"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="conditions")
    name = models.CharField(max_length=200)
    code = models.CharField(max_length=16, blank=True, help_text="ICD-10-CM")
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.ACTIVE)
    since = models.DateField(null=True, blank=True)
    notes = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["patient", "name", "id"]

    def __str__(self) -> str:
        return f"Condition {self.id}"


def default_languages() -> list[str]:
    """Return the languages of a nurse of whom nothing else is known."""
    return ["en"]


class Nurse(models.Model):
    """Somebody who makes visits; `user` is the login, if there is one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="nurse",
    )
    first_name = models.CharField(max_length=100)
    last_name = models.CharField(max_length=100)
    name_key = NameKeyField(max_length=210, editable=False)
    phone = models.CharField(max_length=16, blank=True, validators=[e164])
    email = models.EmailField(blank=True)
    notice_channel = models.CharField(
        max_length=8,
        choices=[("", "None"), *MessageChannel.choices],
        blank=True,
        default=MessageChannel.EMAIL,
        help_text="How this nurse is told of new, moved and cancelled visits.",
    )
    license_number = models.CharField(max_length=32)
    license_state = models.CharField(max_length=2)
    license_expires_on = models.DateField(help_text="The last day on which the license is valid.")
    specializations = models.ManyToManyField(
        "scheduling.Specialization", blank=True, related_name="nurses"
    )
    languages = models.JSONField(
        default=default_languages, help_text='Language codes, such as ["en", "es"].'
    )
    time_zone = models.CharField(
        max_length=64, default="America/New_York", validators=[validate_zone]
    )
    buffer_before_minutes = models.PositiveSmallIntegerField(default=0)
    buffer_after_minutes = models.PositiveSmallIntegerField(
        default=0, help_text="Added to the next visit's own buffer: buffers of neighbours add up."
    )
    slot_step_minutes = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Empty: the clinic's."
    )
    slot_offset_minutes = models.PositiveSmallIntegerField(
        default=0, help_text="Minutes after the full hour at which the grid begins."
    )
    daily_cap = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Most active visits on one day; empty: no limit."
    )
    active = models.BooleanField(default=True)
    sample = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["last_name", "first_name", "id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["name_key"], name="nurse_name"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["license_state", "license_number"], name="nurse_license_once"
            ),
            models.CheckConstraint(
                condition=~Q(first_name="") & ~Q(last_name=""), name="nurse_has_name"
            ),
            models.CheckConstraint(
                condition=Q(buffer_before_minutes__lte=MAX_BUFFER_MINUTES)
                & Q(buffer_after_minutes__lte=MAX_BUFFER_MINUTES),
                name="nurse_buffers_bounded",
                violation_error_message=f"A buffer lasts at most {MAX_BUFFER_MINUTES} minutes.",
            ),
            models.CheckConstraint(
                condition=Q(slot_step_minutes__isnull=True)
                | Q(slot_step_minutes__gte=5, slot_step_minutes__lte=240),
                name="nurse_step_bounded",
                violation_error_message="The grid's step is 5 to 240 minutes.",
            ),
            models.CheckConstraint(
                condition=Q(daily_cap__isnull=True)
                | Q(daily_cap__gte=1, daily_cap__lte=MAX_DAILY_CAP),
                name="nurse_cap_bounded",
                violation_error_message=f"A daily cap is 1 to {MAX_DAILY_CAP}.",
            ),
        ]

    def __str__(self) -> str:
        return f"Nurse {self.id}"

    @property
    def name(self) -> str:
        """Return first and last name as people say them."""
        return f"{self.first_name} {self.last_name}".strip()

    def clean(self) -> None:
        """Refuse languages that are not a list of short codes."""
        languages: Any = self.languages
        if not isinstance(languages, list) or not all(
            isinstance(code, str) and 2 <= len(code) <= 8 for code in languages
        ):
            raise ValidationError({"languages": 'Write a list of codes, such as ["en", "es"].'})


class CareAssignment(models.Model):
    """Which nurse cares for which patient; `closed` says that this nurse never does."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="assignments")
    nurse = models.ForeignKey(Nurse, on_delete=models.CASCADE, related_name="assignments")
    primary = models.BooleanField(default=False)
    closed = models.BooleanField(
        default=False, help_text="This nurse is never offered to this patient."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["patient", "-primary", "created_at", "id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["patient", "nurse"], name="assignment_once"),
            models.UniqueConstraint(
                fields=["patient"], condition=Q(primary=True), name="assignment_one_primary"
            ),
            models.CheckConstraint(
                condition=~Q(primary=True, closed=True), name="assignment_primary_is_open"
            ),
        ]

    def __str__(self) -> str:
        return f"Nurse {self.nurse_id} for patient {self.patient_id}"


class Consent(models.Model):
    """What somebody agreed to or refused, in which words; the latest row of a kind counts."""

    class Channel(models.TextChoices):
        SMS = "sms", "Text message"
        EMAIL = "email", "E-mail"
        VOICE = "voice", "Phone call"

    class Purpose(models.TextChoices):
        APPOINTMENTS = "appointments", "Messages about visits"
        CALLS = "calls", "Calls from us (refused: do not call)"
        RECORDING = "recording", "Recording of calls"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(
        Patient, on_delete=models.CASCADE, null=True, blank=True, related_name="consents"
    )
    phone = models.CharField(max_length=64, blank=True)
    channel = models.CharField(max_length=8, choices=Channel.choices)
    purpose = models.CharField(max_length=16, choices=Purpose.choices)
    granted = models.BooleanField()
    wording = models.TextField(help_text="The question or notice, word for word.")
    source = models.CharField(max_length=16)
    recorded_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar[list[str]] = ["-recorded_at", "id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["patient", "channel", "purpose", "-recorded_at"]),
            models.Index(fields=["phone", "channel", "purpose", "-recorded_at"]),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(patient__isnull=False) | ~Q(phone=""),
                name="consent_of_somebody",
                violation_error_message="Name the patient or the number.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display()}: {'granted' if self.granted else 'refused'}"
