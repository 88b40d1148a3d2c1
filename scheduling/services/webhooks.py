"""
Which other systems are told of events: endpoints, their secrets, and what people send again.

`now` is the real clock's throughout. What is written here is sent by `webhook_deliveries.py`.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from scheduling.exceptions import EndpointInactive, NotFound, UnknownEvent
from scheduling.models import EventNumber, WebhookDelivery, WebhookEndpoint
from scheduling.webhooks.addresses import Limits, target_of
from scheduling.webhooks.events import SELECTABLE, TEST_EVENT, event_body
from scheduling.webhooks.sealed_secrets import new_secret
from scheduling.webhooks.signatures import secret_of

Status = WebhookDelivery.Status
OLD_SECRET_LASTS = timedelta(hours=24)
CHANGEABLE = frozenset({"url", "events", "name", "description", "active"})


def allowed_addresses() -> Limits:
    """Return what the settings allow beyond https on port 443."""
    return Limits(ports=settings.WEBHOOK_PORTS, local_hosts=settings.WEBHOOK_LOCAL_HOSTS)


@transaction.atomic
def create_endpoint(
    *, url: str, events: Sequence[str], name: str = "", description: str = "", now: datetime
) -> tuple[WebhookEndpoint, str]:
    """
    Store an endpoint and return it with its secret, which is shown this once.

    `events` are types or groups such as `call.*`; none means all of them.

    Raises:
        InvalidWebhookUrl: the address may not be called.
        UnknownEvent: a type of event does not exist.
    """
    target_of(url, allowed_addresses())
    _check_events(events)
    endpoint = WebhookEndpoint(url=url, events=list(events), name=name, description=description)
    key, endpoint.secret = new_secret(endpoint_id=endpoint.pk)
    endpoint.save()
    return endpoint, secret_of(key)


@transaction.atomic
def change_endpoint(*, endpoint_id: uuid.UUID, now: datetime, **fields: Any) -> WebhookEndpoint:
    """
    Change some of `url`, `events`, `name`, `description` and `active`.

    A new address, or switching on, tries what waits at once and counts its tries anew.

    Raises:
        NotFound: there is no such endpoint.
        InvalidWebhookUrl: the address may not be called.
        UnknownEvent: a type of event does not exist.
    """
    if unknown := fields.keys() - CHANGEABLE:
        raise TypeError(f"An endpoint has no {', '.join(sorted(unknown))} to change.")
    endpoint = _locked_endpoint(endpoint_id)
    if "events" in fields:
        _check_events(fields["events"])
        fields["events"] = list(fields["events"])
    begins_anew = fields.get("url", endpoint.url) != endpoint.url or (
        fields.get("active", False) and not endpoint.active
    )
    for name, value in fields.items():
        setattr(endpoint, name, value)
    if begins_anew:
        target_of(endpoint.url, allowed_addresses())
        endpoint.deliveries.filter(status=Status.PENDING).update(due_at=now, attempts=0)
    endpoint.save()
    return endpoint


@transaction.atomic
def rotate_secret(*, endpoint_id: uuid.UUID, now: datetime) -> str:
    """
    Give an endpoint a new secret and return it, this once; the old one signs besides for another 24 hours.

    Raises:
        NotFound: there is no such endpoint.
    """
    endpoint = _locked_endpoint(endpoint_id)
    endpoint.previous_secret = endpoint.secret
    endpoint.previous_secret_until = now + OLD_SECRET_LASTS
    key, endpoint.secret = new_secret(endpoint_id=endpoint.pk)
    endpoint.save()
    return secret_of(key)


@transaction.atomic
def remove_endpoint(*, endpoint_id: uuid.UUID, now: datetime) -> None:
    """
    Send an endpoint nothing any more: delete it, or switch it off if it was ever told something.

    Raises:
        NotFound: there is no such endpoint.
    """
    endpoint = _locked_endpoint(endpoint_id, deletes=True)
    if not endpoint.deliveries.exists():
        endpoint.delete()
        return
    endpoint.active = False
    endpoint.save()
    endpoint.deliveries.filter(status=Status.PENDING).update(
        status=Status.FAILED, error_code="endpoint_removed", lease_until=None
    )


@transaction.atomic
def send_test_event(*, endpoint_id: uuid.UUID, now: datetime) -> WebhookDelivery:
    """
    Write an event of the type `webhook.test` for one endpoint, whatever types it asked for.

    Raises:
        NotFound: there is no such endpoint.
        EndpointInactive: it is switched off.
    """
    endpoint = _locked_endpoint(endpoint_id)
    if not endpoint.active:
        raise EndpointInactive
    number = EventNumber.objects.create().number
    return WebhookDelivery.objects.create(
        endpoint=endpoint,
        event_id=uuid.uuid4(),
        event_type=TEST_EVENT,
        body=event_body(
            event_type=TEST_EVENT, at=now, sequence=number, data={"id": str(endpoint.pk)}
        ),
        sequence=number,
        due_at=now,
    )


@transaction.atomic
def replay_delivery(*, delivery_id: uuid.UUID, now: datetime) -> WebhookDelivery:
    """
    Send an event again, or at once if it waits: the same id and body, signed anew, with its tries counted anew.

    Raises:
        NotFound: there is no such delivery.
        EndpointInactive: its endpoint is switched off.
    """
    found = WebhookDelivery.objects.filter(pk=delivery_id).first()
    if found is None:
        raise NotFound("There is no such delivery.")
    endpoint = _locked_endpoint(found.endpoint_id)
    if not endpoint.active:
        raise EndpointInactive
    delivery = WebhookDelivery.objects.select_for_update(no_key=True).get(pk=delivery_id)
    delivery.status, delivery.attempts, delivery.due_at = Status.PENDING, 0, now
    delivery.delivered_at, delivery.response_status, delivery.error_code = None, None, ""
    delivery.save()
    return delivery


def _locked_endpoint(endpoint_id: uuid.UUID, *, deletes: bool = False) -> WebhookEndpoint:
    """Lock an endpoint, which always comes before its deliveries; who `deletes` it keeps new ones from being added."""
    rows = WebhookEndpoint.objects.select_for_update(no_key=not deletes)
    locked = rows.filter(pk=endpoint_id).first()
    if locked is None:
        raise NotFound("There is no such endpoint.")
    return locked


def _check_events(events: Sequence[str]) -> None:
    if not SELECTABLE.issuperset(events):
        raise UnknownEvent
