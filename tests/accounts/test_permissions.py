"""The policy itself: the table of the security reference, section 3, cell by cell."""

import ast
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib import admin

from accounts import permissions
from accounts.access import Viewer, still_may, viewer_of, viewer_of_key
from accounts.models import User
from accounts.permissions import (
    MODELS,
    SCOPES,
    Reach,
    Resource,
    Role,
    Scope,
    Verb,
    django_permission,
    key_reach,
    may,
    reach,
)
from tests.factories import NOW, make_user

ALL = "LRCUDX"
TABLE = {  # resource: administrator, scheduler, nurse; in capitals any, in small letters own
    Resource.PATIENT: ("LRCUX", "LRCU", "lr"),
    Resource.CLINICAL: ("LRU", "R", "lru"),
    Resource.CALENDAR: ("LRCUD", "LRCUD", "LRu"),
    Resource.ASSIGNMENT: ("LRCUD", "LRCU", "r"),
    Resource.APPOINTMENT: ("LRCUDX", "LRCUD", "lr"),
    Resource.ATTENDANCE: ("U", "U", "u"),
    Resource.CALL: ("LRX", "LR", "lr"),
    Resource.TRANSCRIPT: ("LRX", "R", "r"),
    Resource.RECORDING: ("RX", "", ""),
    Resource.OUTBOUND_CALL: ("C", "C", ""),
    Resource.MESSAGE: ("LRC", "LRC", "lr"),
    Resource.STAFF_TASK: ("LRCU", "LRCU", ""),
    Resource.WEBHOOK: ("LRCUD", "", ""),
    Resource.API_KEY: ("LRCUD", "", ""),
    Resource.USER: ("LRCUD", "", ""),
    Resource.SETTINGS: ("LRU", "", ""),
    Resource.AUDIT: ("LRX", "", ""),
    Resource.PATIENT_IMPORT: ("LRC", "", ""),
    Resource.APPOINTMENT_IMPORT: ("LRC", "LRC", ""),
    Resource.LIVE_CALLS: ("R", "R", "r"),
    Resource.LIVE_TRANSCRIPT: ("R", "R", "r"),
    Resource.ADMIN_SITE: ("R", "", ""),
    Resource.ACCOUNT: ("RU", "RU", "RU"),
    Resource.FHIR: ("", "", ""),
}
KEYS = {
    Scope.PATIENTS_READ: {Resource.PATIENT: "LR"},
    Scope.PATIENTS_WRITE: {Resource.PATIENT: "CU"},
    Scope.CLINICAL_READ: {Resource.CLINICAL: "LR"},
    Scope.SCHEDULE_READ: {Resource.CALENDAR: "LR", Resource.ASSIGNMENT: "LR"},
    Scope.APPOINTMENTS_READ: {Resource.APPOINTMENT: "LR"},
    Scope.APPOINTMENTS_WRITE: {Resource.APPOINTMENT: "CUD", Resource.ATTENDANCE: "U"},
    Scope.CALLS_READ: {Resource.CALL: "LR", Resource.LIVE_CALLS: "R"},
    Scope.CALLS_CREATE: {Resource.OUTBOUND_CALL: "C"},
    Scope.TRANSCRIPTS_READ: {Resource.TRANSCRIPT: "R", Resource.LIVE_TRANSCRIPT: "R"},
    Scope.FHIR_READ: {Resource.FHIR: "LR"},
    Scope.FHIR_WRITE: {Resource.FHIR: "CUD"},
}


def expected(cell: str, verb: Verb) -> Reach:
    if verb.value in cell:
        return Reach.ANY
    return Reach.OWN if verb.value.lower() in cell else Reach.NONE


class TestTheTable:
    @pytest.mark.parametrize("resource", list(Resource))
    @pytest.mark.parametrize(("column", "role"), list(enumerate(Role)))
    def test_is_the_references_cell_by_cell(
        self, resource: Resource, column: int, role: Role
    ) -> None:
        cell = TABLE[resource][column]

        assert {verb: reach(role, verb, resource) for verb in Verb} == {
            verb: expected(cell, verb) for verb in Verb
        }

    @pytest.mark.parametrize("role", ["", "root", "Admin", "integrator"])
    def test_denies_whatever_is_not_written(self, role: str) -> None:
        assert not any(may(role, verb, resource) for verb in Verb for resource in Resource)

    def test_knows_the_roles_that_people_have(self) -> None:
        assert set(Role) == set(User.Role.values)

    def test_cannot_be_changed_at_run_time(self) -> None:
        with pytest.raises(TypeError):
            permissions.ROLES[Role.NURSE][Resource.USER] = {}  # type: ignore[index]

    def test_needs_no_django(self) -> None:
        tree = ast.parse(Path(permissions.__file__).read_text(encoding="utf-8"))
        imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)} | {
            name.name
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for name in node.names
        }

        assert imported == {"collections.abc", "enum", "types"}


class TestScopesOfKeys:
    @pytest.mark.parametrize("scope", list(Scope))
    def test_open_what_the_integrators_column_says(self, scope: Scope) -> None:
        for resource in Resource:
            cell = KEYS[scope].get(resource, "r" if resource is Resource.API_KEY else "")
            for verb in Verb:
                assert key_reach([scope], verb, resource) is expected(cell, verb)

    def test_add_up(self) -> None:
        both = [Scope.PATIENTS_READ, Scope.CALLS_READ]

        assert key_reach(both, Verb.READ, Resource.PATIENT) is Reach.ANY
        assert key_reach(both, Verb.READ, Resource.CALL) is Reach.ANY
        assert key_reach(both, Verb.READ, Resource.TRANSCRIPT) is Reach.NONE

    def test_that_nobody_knows_open_nothing(self) -> None:
        assert key_reach(["admin", "patients:*", ""], Verb.READ, Resource.PATIENT) is Reach.NONE

    def test_are_all_in_the_table(self) -> None:
        assert set(SCOPES) == set(Scope)

    def test_make_a_viewer(self) -> None:
        viewer = viewer_of_key(["calls:read"])

        assert viewer.may(Verb.LIST, Resource.CALL)
        assert not viewer.may(Verb.LIST, Resource.PATIENT)


class TestModels:
    def test_are_models_that_exist(self) -> None:
        assert all(apps.get_model(name) for name in MODELS)

    def test_of_the_admin_site_are_all_in_the_table(self) -> None:
        assert {model._meta.label_lower for model in admin.site._registry} <= set(MODELS)


class TestDjangosQuestions:
    @pytest.mark.parametrize(
        ("permission", "roles"),
        [
            ("scheduling.view_patient", {"admin", "scheduler"}),
            ("scheduling.delete_patient", set()),
            ("scheduling.add_medicalcondition", {"admin"}),
            ("scheduling.delete_medicalcondition", set()),
            ("scheduling.change_clinic", {"admin"}),
            ("scheduling.add_messagetemplate", {"admin"}),
            ("accounts.change_auditevent", set()),
            ("accounts.delete_auditevent", set()),
            ("accounts.view_auditevent", {"admin"}),
            ("voice.change_calllog", set()),
            ("auth.add_group", set()),
            ("scheduling.frobnicate_patient", set()),
            ("nonsense", set()),
        ],
    )
    def test_are_answered_from_the_table(self, permission: str, roles: set[str]) -> None:
        assert {role for role in Role if django_permission(role, permission)} == roles

    def test_are_not_answered_by_flags(self) -> None:
        user = User(role=Role.SCHEDULER, is_staff=True, is_superuser=True)

        assert not user.has_perm("accounts.view_user")
        assert not user.has_module_perms("accounts")

    def test_are_answered_with_no_while_the_account_is_closed(self) -> None:
        assert not User(role=Role.ADMIN, is_active=False).has_perm("accounts.view_user")
        assert User(role=Role.ADMIN).has_module_perms("accounts")


@pytest.mark.django_db
class TestWhatASocketAsks:
    """S28: each push, or every few seconds."""

    def test_goes_on_while_nothing_changes(self) -> None:
        user = make_user(role="nurse")

        assert still_may(user.pk, Verb.READ, Resource.LIVE_CALLS, role="nurse")

    @pytest.mark.parametrize("change", [{"is_active": False}, {"role": "scheduler"}])
    def test_ends_with_the_account_or_with_its_role_s28(self, change: dict[str, object]) -> None:
        user = make_user(role="nurse")
        User.objects.filter(pk=user.pk).update(**change)

        assert not still_may(user.pk, Verb.READ, Resource.LIVE_CALLS, role="nurse")

    def test_ends_for_an_account_that_is_gone(self) -> None:
        user = make_user(role="admin")
        key = user.pk
        user.delete()

        assert not still_may(key, Verb.READ, Resource.LIVE_CALLS, role="admin")

    def test_is_no_for_what_the_role_never_had(self) -> None:
        user = make_user(role="scheduler")

        assert not still_may(user.pk, Verb.READ, Resource.RECORDING, role="scheduler")


@pytest.mark.django_db
class TestAViewer:
    def test_is_nobody_without_a_login(self) -> None:
        assert not any(Viewer().may(verb, Resource.PATIENT) for verb in Verb)

    def test_of_an_administrator_asks_for_no_emergency_access(
        self, django_assert_num_queries: object
    ) -> None:
        user = make_user(role="admin")

        with django_assert_num_queries(0):  # type: ignore[operator]
            assert viewer_of(user, now=NOW).opened == frozenset()
