"""What a call changed: every table before and after it, compared row by row."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final

from django.apps import apps
from django.db import models

APPS: Final = ("accounts", "scheduling", "voice")
Row = Mapping[str, Any]
Tables = Mapping[str, Mapping[str, Row]]  # "app.Model" -> primary key -> fields


@dataclass(frozen=True, slots=True)
class Changed:
    """A row that existed before, with the fields that differ now."""

    before: Row
    after: Row

    @property
    def fields(self) -> set[str]:
        """The names of the fields that differ."""
        return {name for name, value in self.after.items() if self.before.get(name) != value}


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference of one table."""

    created: list[Row] = field(default_factory=list)
    changed: list[Changed] = field(default_factory=list)
    deleted: list[Row] = field(default_factory=list)


def snapshot() -> Tables:
    """Return every row of every table of ours; foreign keys are labels, stamps are left out."""
    labels = _labels()
    return {
        model._meta.label: {
            str(row["pk"]): _row(model, row, labels)
            for row in model._default_manager.values("pk", *_columns(model))
        }
        for label in APPS
        for model in apps.get_app_config(label).get_models(include_auto_created=True)
    }


def difference(
    before: Tables, after: Tables, *, without: Collection[str] = ()
) -> dict[str, Difference]:
    """Return the tables that differ; rows whose keys are in `without` are not counted as created."""
    found = {}
    for name, rows in after.items():
        old = before.get(name, {})
        one = Difference(
            created=[row for key, row in rows.items() if key not in old and key not in without],
            changed=[
                Changed(old[key], row)
                for key, row in rows.items()
                if key in old and _differs(old[key], row)
            ],
            deleted=[row for key, row in old.items() if key not in rows],
        )
        if one.created or one.changed or one.deleted:
            found[name] = one
    return found


def _differs(old: Row, new: Row) -> bool:
    """Compare two states of a row; a visit's label is its start, so what points at a moved visit stays the same."""
    return any(new[name] != value for name, value in old.items() if name != "appointment")


def default_of(model_label: str, name: str) -> Any:
    """Return what a field of a new row holds when nobody sets it."""
    model = apps.get_model(model_label)
    default = model._meta.get_field(name).get_default()
    return _plain(default)


def _columns(model: type[models.Model]) -> list[str]:
    return [
        field.attname
        for field in model._meta.concrete_fields
        if not field.primary_key and not _is_stamp(field)
    ]


def _is_stamp(field: "models.Field[Any, Any]") -> bool:
    return isinstance(field, models.DateTimeField) and (
        field.name.endswith("_at")
        or field.name in ("at", "waiting_since", "last_login", "date_joined")
    )


def _row(model: type[models.Model], values: Row, labels: Mapping[tuple[str, str], str]) -> Row:
    row: dict[str, Any] = {}
    for column in model._meta.concrete_fields:
        if column.attname not in values or column.primary_key:
            continue
        value = values[column.attname]
        target = column.related_model
        if isinstance(target, type) and value is not None:
            value = labels.get((target._meta.label, str(value)), str(value))
        row[column.name] = _plain(value)
    return row


def _plain(value: Any) -> Any:
    """Return a value as a scenario writes it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return value


def _labels() -> dict[tuple[str, str], str]:
    """Return how scenarios name the rows that others point at."""
    labels: dict[tuple[str, str], str] = {}
    for row in apps.get_model("scheduling.Patient")._default_manager.values(
        "pk", "first_name", "last_name", "date_of_birth"
    ):
        name = f"{row['first_name']} {row['last_name']} {row['date_of_birth']}"
        labels["scheduling.Patient", str(row["pk"])] = name
    for model, name in (("scheduling.Nurse", "name"), ("scheduling.VisitType", "code")):
        for row in apps.get_model(model)._default_manager.all():
            labels[model, str(row.pk)] = str(getattr(row, name))
    for visit in apps.get_model("scheduling.Appointment")._default_manager.values("pk", "start"):
        labels["scheduling.Appointment", str(visit["pk"])] = _plain(visit["start"])
    return labels
