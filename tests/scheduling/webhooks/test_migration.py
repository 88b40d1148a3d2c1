"""Secrets that were stored as they are shown are sealed by the migration."""

from importlib import import_module

import pytest
from django.apps import apps

from scheduling.models import WebhookEndpoint
from scheduling.webhooks.sealed_secrets import opened_secret

SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


@pytest.mark.django_db
class TestSealingOfOldSecrets:
    def test_keeps_the_key_and_switches_off_what_has_none(self) -> None:
        good = WebhookEndpoint.objects.create(url="https://other.example/", secret=SECRET)
        bad = WebhookEndpoint.objects.create(url="https://other.example/", secret="whsec_x")

        import_module("scheduling.migrations.0009_webhook_queue").seal_secrets(apps, None)

        good.refresh_from_db()
        bad.refresh_from_db()
        assert opened_secret(good.secret, endpoint_id=good.pk) == bytes(range(32))
        assert (good.active, bad.active) == (True, False)
