"""
What must be right before patients' data is served: every fault by its name, and never a value (S73).

The faults here need no database; those that do are system checks (`carematix.checks`).
"""

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.core.exceptions import ImproperlyConfigured

KEY_CHARACTERS = 50
KEY_VARIETY = 5
KNOWN_KEY_BEGINNINGS = ("django-insecure", "changeme", "change-me", "tests-only", "only-for")
SECURE_SCHEMES = {"https", "wss"}


def refuse_faults(settings: Any) -> None:
    """
    Let a process start only when nothing is wrong; with `DEBUG=1` nothing is asked.

    Raises:
        ImproperlyConfigured: names each fault.
    """
    if found := faults(settings):
        raise ImproperlyConfigured("Carematix does not start in production:\n" + "\n".join(found))


def faults(settings: Any) -> list[str]:
    """Return what is wrong with the settings of a production server, one sentence a fault."""
    if not settings.PRODUCTION:
        return []
    return [
        *_secret_key(settings),
        *_addresses(settings),
        *_secrets(settings),
        *_outside(settings),
        *_storage(settings),
    ]


def key_is_weak(key: str) -> bool:
    """Tell whether a signing key is short, monotonous or one that is printed somewhere."""
    beginning = key.lower()
    return (
        len(key) < KEY_CHARACTERS
        or len(set(key)) < KEY_VARIETY
        or beginning.startswith(KNOWN_KEY_BEGINNINGS)
    )


def _secret_key(settings: Any) -> Iterator[str]:
    try:
        key = settings.SECRET_KEY
    except ImproperlyConfigured:  # Django's settings refuse to hand out an empty one
        key = ""
    if not key:
        yield "SECRET_KEY is missing."
    elif key_is_weak(key):
        yield f"SECRET_KEY must be {KEY_CHARACTERS} random characters or more, and no example's."
    if any(key_is_weak(key) for key in settings.SECRET_KEY_FALLBACKS):
        yield "SECRET_KEY_FALLBACKS holds a weak key."


def _addresses(settings: Any) -> Iterator[str]:
    hosts = settings.ALLOWED_HOSTS
    if not hosts:
        yield "ALLOWED_HOSTS is empty."
    if "*" in hosts:
        yield "ALLOWED_HOSTS must not hold *."
    address = urlsplit(settings.PUBLIC_BASE_URL)
    if address.scheme != "https":
        yield "PUBLIC_BASE_URL must begin with https://."
    elif hosts and not host_is_allowed(address.hostname or "", hosts):
        yield "ALLOWED_HOSTS must hold the host of PUBLIC_BASE_URL."


def host_is_allowed(host: str, allowed: list[str]) -> bool:
    """Tell whether `ALLOWED_HOSTS` covers a host; an entry with a leading dot covers all below it."""
    return any(
        entry in ("*", host) or (entry.startswith(".") and f".{host}".endswith(entry))
        for entry in (entry.lower() for entry in allowed)
    )


def _secrets(settings: Any) -> Iterator[str]:
    if not settings.TWILIO_AUTH_TOKEN:
        yield "TWILIO_AUTH_TOKEN is missing."
    if not settings.OPENAI_API_KEY and settings.OPENAI_REALTIME_AUTH != "none":
        yield "OPENAI_API_KEY is missing."
    if not settings.AUDIT_KEYS:
        yield "AUDIT_KEYS is missing."
    if not settings.RECORDING_KEYS:
        yield "RECORDING_KEYS is missing."
    if not settings.OPENAI_BAA_IN_PLACE:
        yield (
            "OPENAI_BAA_IN_PLACE=1 must declare that a business associate agreement and zero data retention are in "
            "place with the model's vendor."
        )


def _outside(settings: Any) -> Iterator[str]:
    for name in ("OPENAI_REALTIME_URL", "TWILIO_API_BASE_URL"):
        address = urlsplit(getattr(settings, name))
        if address.scheme not in SECURE_SCHEMES and not is_this_machine(address.hostname or ""):
            yield f"{name} must use TLS (wss:// or https://) outside this machine."


def _storage(settings: Any) -> Iterator[str]:
    if not settings.DATABASE_URL_GIVEN:
        yield "DATABASE_URL is missing: production never falls back to a file by itself."
    redis = urlsplit(settings.REDIS_URL)
    if _leaves_this_machine(redis) and (redis.scheme != "rediss" or not redis.password):
        yield "REDIS_URL needs TLS (rediss://) and a password outside this machine."
    media, static = (
        settings.MEDIA_ROOT.resolve(),
        [settings.STATIC_ROOT, *settings.STATICFILES_DIRS],
    )
    if any(media == folder or folder in media.parents for folder in map(_resolved, static)):
        yield "MEDIA_ROOT must lie outside the static files."


def is_this_machine(host: str) -> bool:
    """Tell whether a host is the loopback interface."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _leaves_this_machine(address: SplitResult) -> bool:
    return address.scheme in {"redis", "rediss"} and not is_this_machine(address.hostname or "")


def _resolved(folder: Any) -> Any:
    return folder.resolve()
