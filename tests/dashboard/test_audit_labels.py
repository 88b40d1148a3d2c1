"""Whatever the program records has words on the page of the audit record."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib import admin
from drf_spectacular.generators import EndpointEnumerator

from accounts.audit.admin_events import WHAT
from accounts.models import LegalHold
from accounts.permissions import Resource
from accounts.rest.views import ResourceView
from dashboard import audit_labels
from scheduling.models import DataImport

ROOT = Path(settings.BASE_DIR)
APPS = ("accounts", "scheduling", "voice", "dashboard", "carematix")
BY_PLACE = {"record", "_record", "record_event", "_audit_act", "_record_list", "Deed", "Batch"}
"""Functions that are given an action among their first arguments."""
TOOLS = {"verify_identity"}
"""Words of the assistant's tools stand in `dashboard.labels`."""
UNNAMED = {"", "password_change", "changelist", "change", "delete", "add", "history"}
"""Parts of addresses of the admin site that are no actions of their own."""


def calls() -> Iterator[ast.Call]:
    for app in APPS:
        for file in sorted((ROOT / app).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    yield node


def texts(node: ast.expr) -> Iterator[str]:
    """Yield the fixed texts that an argument may be: of a choice between two, both."""
    for part in ast.walk(node) if isinstance(node, ast.IfExp) else [node]:
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def name_of(call: ast.Call) -> str:
    function = call.func
    return str(getattr(function, "attr", "") or getattr(function, "id", ""))


def recorded_actions() -> set[str]:
    found: set[str] = set()
    for call in calls():
        named = [one.value for one in call.keywords if one.arg == "action"]
        placed = call.args[:3] if name_of(call) in BY_PLACE else []
        if name_of(call) == "add_argument":
            continue
        found.update(text for node in named for text in texts(node))
        found.update(text for node in placed for text in texts(node) if is_action(text))
        if name_of(call) == "_deed":  # scheduling.services.delivery: of a message
            found.update(f"message.{text}" for text in texts(call.args[0]))
    return found - TOOLS


def is_action(text: str) -> bool:
    noun, dot, verb = text.partition(".")
    return bool(dot) and noun.isidentifier() and verb.isidentifier()


def recorded_types() -> set[str]:
    given = {
        text
        for call in calls()
        for one in call.keywords
        if one.arg == "object_type"
        for text in texts(one.value)
    }
    by_action = {action.partition(".")[0] for action in recorded_actions() if "." in action}
    models = {str(model._meta.model_name) for model in admin.site._registry}
    kinds = {*DataImport.Kind.values, *LegalHold.Kind.values, *map(str, Resource)}
    return {*given, *by_action, *models, *kinds} - {"", "calllog", "access"}


def admin_verbs() -> set[str]:
    found = set(WHAT.values())
    for site in admin.site._registry.values():
        found |= {one if isinstance(one, str) else str(one.__name__) for one in site.actions or ()}
        names = [str(getattr(url, "name", None) or "") for url in site.get_urls()]
        found |= {parts[2] for name in names if len(parts := name.split("_", 2)) > 2}
    return found - UNNAMED


def views() -> set[type[ResourceView]]:
    """Return the view of every address of the REST API."""
    endpoints = EndpointEnumerator().get_api_endpoints()  # type: ignore[no-untyped-call]  # the library's
    found = (getattr(callback, "cls", None) for *_, callback in endpoints)
    return {view for view in found if view is not None and issubclass(view, ResourceView)}


def rest_nouns() -> set[str]:
    return {one.noun for one in views()}


def rest_acts() -> set[str]:
    acts = {getattr(one, "act", "") for one in views()} - {""}
    return {*acts, "list", "read", "search", "created", "changed", "deleted"}


class TestWords:
    @pytest.mark.parametrize("noun", sorted(rest_nouns()))
    def test_s46_stand_for_every_kind_of_record_of_the_api(self, noun: str) -> None:
        assert audit_labels.words_of_record(noun)

    @pytest.mark.parametrize("act", sorted(rest_acts()))
    def test_s46_stand_for_every_act_of_the_api(self, act: str) -> None:
        assert audit_labels.words_of_action(f"x.{act}")

    def test_s46_are_found_where_events_are_written(self) -> None:
        assert {"message.sent", "audit.exported", "key.revoked", "call.ended"} <= recorded_actions()

    @pytest.mark.parametrize("action", sorted(recorded_actions()))
    def test_s46_stand_for_every_action(self, action: str) -> None:
        assert audit_labels.words_of_action(action)

    @pytest.mark.parametrize("kind", sorted(recorded_types()))
    def test_s46_stand_for_every_kind_of_record(self, kind: str) -> None:
        assert kind in audit_labels.RECORDS or kind in audit_labels.ACCOUNT

    def test_s46_stand_for_every_act_of_the_admin_site(self) -> None:
        assert {verb for verb in admin_verbs() if not audit_labels.words_of_action(verb)} == set()
