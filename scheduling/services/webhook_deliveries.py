"""
Sending events to other systems: claim the first due one of an endpoint, sign and send it, record the answer.

Per endpoint one event is on its way at a time, in order, and the others wait for it; so a receiver that hangs holds up
its own events and no others. An event is sent at least once: one whose worker died is sent again after its lease.
`now` is the real clock's, `clinic_now` says when staff are there.
"""

import logging
import random
from contextlib import suppress
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Value

from accounts.audit.by_itself import Deed, record_deeds
from scheduling.exceptions import InvalidWebhookUrl
from scheduling.models import EventNumber, Source, StaffTask, WebhookDelivery, WebhookEndpoint
from scheduling.services.tasks import raise_alarm
from scheduling.services.webhooks import allowed_addresses
from scheduling.webhooks import transport
from scheduling.webhooks.addresses import target_of
from scheduling.webhooks.schedule import Verdict, asked_wait_s, verdict, wait_s
from scheduling.webhooks.sealed_secrets import SecretUnusable, opened_secret, resealed_secret
from scheduling.webhooks.signatures import signed_headers

logger = logging.getLogger(__name__)
Status = WebhookDelivery.Status

LEASE = timedelta(seconds=60)
"""Longer than any request takes: the settings allow it 20 s."""
ACTOR = "worker"
BATCH = 500


def deliver_next_event(*, now: datetime, clinic_now: datetime) -> bool:
    """Send the next event of the endpoint that was tried longest ago; return whether there was one."""
    if not _ready(now).exists():  # an idle look takes no lock
        return False
    delivery = _claim(now)
    if delivery is None:
        return False
    try:
        answer = _send(delivery, now)
    except (transport.NotDelivered, SecretUnusable, InvalidWebhookUrl) as failure:
        _record(delivery, None, failure.code, now, clinic_now)
    else:
        _record(delivery, answer, f"http_{answer.status}", now, clinic_now)
    return True


def watch_queues(*, now: datetime, clinic_now: datetime) -> int:
    """Raise an alarm for each endpoint whose events have waited too long (F32); return how many were raised."""
    allowed = timedelta(minutes=settings.LIMIT_WEBHOOK_QUEUE_MINUTES)
    late = WebhookDelivery.objects.filter(
        endpoint=OuterRef("pk"), status=Status.PENDING, created_at__lt=now - allowed
    )
    stuck = WebhookEndpoint.objects.filter(Exists(late), active=True).order_by("id")
    return sum(_tell_of_queue(stuck.filter(pk=row.pk), now, clinic_now) for row in stuck)


def purge_deliveries(*, now: datetime) -> int:
    """Delete what was delivered or given up a month ago; return how many rows."""
    old = WebhookDelivery.objects.filter(
        due_at__lt=now - timedelta(days=settings.LIMIT_WEBHOOK_DAYS)
    ).exclude(status=Status.PENDING, endpoint__active=True)
    ids = list(old.values_list("id", flat=True)[:BATCH])
    last = EventNumber.objects.order_by("-number").values("number")[:1]
    EventNumber.objects.filter(number__lt=Subquery(last)).delete()
    return WebhookDelivery.objects.filter(pk__in=ids).delete()[0] if ids else 0


def look_after_secrets(*, now: datetime) -> int:
    """Forget old secrets whose time is over, seal the others by the current SECRET_KEY; return how many changed."""
    over = WebhookEndpoint.objects.filter(previous_secret_until__lte=now)
    changed = over.update(previous_secret=Value(""), previous_secret_until=None)
    return changed + sum(_reseal(row) for row in WebhookEndpoint.objects.order_by("id"))


def _reseal(endpoint: WebhookEndpoint) -> int:
    """Seal the secrets of an endpoint anew unless they are; somebody who rotates them meanwhile wins."""
    before = {"secret": endpoint.secret, "previous_secret": endpoint.previous_secret}
    after = dict(before)
    for name, stored in before.items():
        try:
            after[name] = resealed_secret(stored, endpoint_id=endpoint.pk) if stored else ""
        except SecretUnusable:
            logger.warning("scheduling.webhook.secret_unusable")
    if after == before:
        return 0
    return WebhookEndpoint.objects.filter(pk=endpoint.pk, **before).update(**after)


def _pending() -> QuerySet[WebhookDelivery]:
    """Return what waits, each endpoint's in the order in which it goes."""
    return WebhookDelivery.objects.filter(status=Status.PENDING).order_by("sequence", "id")


def _ready(now: datetime) -> QuerySet[WebhookEndpoint]:
    """Return the endpoints whose first event is due and of which none is on its way, the longest untried first."""
    own = _pending().filter(endpoint=OuterRef("pk"))
    return (
        WebhookEndpoint.objects.filter(active=True)
        .annotate(first_due_at=Subquery(own.values("due_at")[:1]))
        .filter(~Exists(own.filter(lease_until__gt=now)), first_due_at__lte=now)
        .order_by(F("last_attempt_at").asc(nulls_first=True), "id")
    )


def _claim(now: datetime) -> WebhookDelivery | None:
    """Take an event to send it; until its lease is over nobody else can have one of the same endpoint."""
    with transaction.atomic():
        locked = _ready(now).select_for_update(skip_locked=True, no_key=True, of=("self",))
        endpoint = locked.first()
        if endpoint is None:
            return None
        # Another worker may have been here between the look and the lock.
        waiting = _pending().filter(endpoint=endpoint)
        delivery = waiting.first()
        taken = waiting.filter(lease_until__gt=now).exists()
        if delivery is None or taken or delivery.due_at > now:
            return None
        endpoint.last_attempt_at = now
        endpoint.save(update_fields=["last_attempt_at"])
        delivery.endpoint = endpoint
        delivery.attempts += 1
        delivery.lease_until = now + LEASE
        delivery.save(update_fields=["attempts", "lease_until"])
    return delivery


def _send(delivery: WebhookDelivery, now: datetime) -> transport.Answer:
    """Sign and send a claimed event; only this function lets anything out."""
    endpoint, body = delivery.endpoint, delivery.body.encode()
    keys = [opened_secret(endpoint.secret, endpoint_id=endpoint.pk)]
    if endpoint.previous_secret_until is not None and now < endpoint.previous_secret_until:
        # Whoever rotates since SECRET_KEY was lost has lost the old secret with it: the new one signs alone.
        with suppress(SecretUnusable):
            keys.append(opened_secret(endpoint.previous_secret, endpoint_id=endpoint.pk))
    headers = signed_headers(
        keys=keys,
        event_id=str(delivery.event_id),
        timestamp=int(now.timestamp()),
        body=body,
    )
    bounds = transport.Bounds(
        connect_s=settings.LIMIT_WEBHOOK_CONNECT_SECONDS,
        total_s=settings.LIMIT_WEBHOOK_SECONDS,
        answer_bytes=settings.LIMIT_WEBHOOK_ANSWER_BYTES,
    )
    target = target_of(endpoint.url, allowed_addresses())
    return transport.post(target, headers=headers, body=body, bounds=bounds)


def _record(
    claimed: WebhookDelivery,
    answer: transport.Answer | None,
    code: str,
    now: datetime,
    clinic_now: datetime,
) -> None:
    """
    Record how a try ended, unless the event was ended meanwhile.

    A failure does not count either if another worker has taken over, or people have had the tries counted anew.
    """
    means = verdict(answer.status) if answer else Verdict.FAILED
    with transaction.atomic():
        endpoint = WebhookEndpoint.objects.select_for_update(no_key=True).get(
            pk=claimed.endpoint_id
        )
        stored = WebhookDelivery.objects.select_for_update(no_key=True).filter(pk=claimed.pk)
        delivery = stored.first()
        if delivery is None or delivery.status != Status.PENDING:
            return
        ours = (delivery.lease_until, delivery.attempts) == (claimed.lease_until, claimed.attempts)
        if means is not Verdict.DELIVERED and not ours:
            return
        delivery.lease_until = None
        delivery.response_status = answer.status if answer else None
        if means is Verdict.DELIVERED:
            delivery.status, delivery.delivered_at, delivery.error_code = Status.DELIVERED, now, ""
        elif means is Verdict.GONE or delivery.attempts >= settings.LIMIT_WEBHOOK_TRIES:
            delivery.status, delivery.error_code = Status.FAILED, code
            _switch_off(endpoint, delivery, clinic_now)
        else:
            delivery.error_code = code
            delivery.due_at = now + _pause(delivery.attempts, answer, now)
        delivery.save()
    logger.info("scheduling.webhook.tried", extra={"status": delivery.status, "code": code})


def _pause(attempts: int, answer: transport.Answer | None, now: datetime) -> timedelta:
    asked_s = None
    if answer is not None:
        asked_s = asked_wait_s(status=answer.status, retry_after=answer.retry_after, now=now)
    return timedelta(seconds=wait_s(attempts=attempts, chance=random.random(), asked_s=asked_s))


def _switch_off(endpoint: WebhookEndpoint, delivery: WebhookDelivery, clinic_now: datetime) -> None:
    """Send an endpoint nothing more until somebody switches it on, and tell staff."""
    endpoint.active = False
    endpoint.save(update_fields=["active", "updated_at"])
    deed = Deed("webhookendpoint.switched_off", endpoint.pk, None, reason=delivery.error_code)
    record_deeds([deed])
    cause = f"{delivery.attempts} tries failed ({delivery.error_code})"
    if delivery.error_code == "http_410":
        cause = "it answered that it is gone"
    _alarm(
        "webhook_off",
        f"Events to {_shown(endpoint)} have stopped: {cause}. Tell whoever runs that system, then switch the endpoint "
        "on and send again what failed.",
        endpoint,
        clinic_now,
    )


def _tell_of_queue(stuck: QuerySet[WebhookEndpoint], now: datetime, clinic_now: datetime) -> int:
    """Raise the alarm under the endpoint's lock, so that two workers raise one; an open one is enough."""
    minutes = settings.LIMIT_WEBHOOK_QUEUE_MINUTES
    with transaction.atomic():
        endpoint = stuck.select_for_update(skip_locked=True, no_key=True, of=("self",)).first()
        if endpoint is None:
            return 0
        known = StaffTask.objects.filter(topic="webhook_queue", actor=_actor(endpoint))
        again = Q(status=StaffTask.Status.OPEN) | Q(created_at__gt=now - timedelta(minutes=minutes))
        if known.filter(again).exists():
            return 0
        text = f"Events to {_shown(endpoint)} have waited for more than {minutes} minutes."
        _alarm("webhook_queue", text, endpoint, clinic_now)
    return 1


def _alarm(topic: str, text: str, endpoint: WebhookEndpoint, clinic_now: datetime) -> None:
    raise_alarm(
        kind=topic,
        text=text,
        callback_number="",
        patient_id=None,
        source=Source.API,
        actor=_actor(endpoint),
        now=clinic_now,
    )


def _actor(endpoint: WebhookEndpoint) -> str:
    return f"{ACTOR}:{endpoint.pk}"


def _shown(endpoint: WebhookEndpoint) -> str:
    """Return what people know an endpoint by; the path of its address may hold a secret."""
    return endpoint.name or urlsplit(endpoint.url).hostname or "an endpoint"
