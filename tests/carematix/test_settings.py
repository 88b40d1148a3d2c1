"""Each setting is typed: an odd value stops the boot, names the variable and never repeats the value."""

import re
import runpy
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = ROOT / "carematix" / "settings.py"
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
LINES = dict(re.findall(r"(?m)^([A-Z][A-Z0-9_]*)=(.*)$", EXAMPLE))
NUMBERS = sorted(name for name in LINES if name.startswith(("LIMIT_", "MAX_", "DATABASE_POOL_")))
ODD = "odd\x07value"
ODD_VALUES = {
    "DEBUG": "perhaps",
    "SECRET_KEY": ODD,
    "SECRET_KEY_FALLBACKS": "fine,not fine",
    "ALLOWED_HOSTS": "https://odd.example/path",
    "PUBLIC_BASE_URL": "ftp://odd.example",
    "CORS_ALLOWED_ORIGINS": "odd.example",
    "LOG_LEVEL": "LOUD",
    "LOG_FORMAT": "poetry",
    "CLINIC_NAME": ODD,
    "CLINIC_TIME_ZONE": "Mars/Olympus",
    "CLINIC_PHONE": "555-ODD",
    "STAFF_TRANSFER_NUMBER": "+0123456789",
    "CAREMATIX_NOW": "2026-03-05T10:00:00",
    "TWILIO_ACCOUNT_SID": "ACodd",
    "TWILIO_AUTH_TOKEN": "odd token",
    "TWILIO_AUTH_TOKEN_NEXT": "ödd",
    "TWILIO_PHONE_NUMBER": "202-555-0142",
    "TWILIO_MESSAGING_SERVICE_SID": "MGodd",
    "TWILIO_API_BASE_URL": "odd.example",
    "TRUSTED_PROXY_COUNT": "several",
    "OPENAI_BAA_IN_PLACE": "perhaps",
    "RECORDING_KEYS": "k1:b2Rk",
    "AUDIT_KEYS": "odd",
    "EMAIL_URL": "pigeon://odd.example",
    "DEFAULT_FROM_EMAIL": "odd address",
    "OPENAI_API_KEY": "odd key",
    "OPENAI_REALTIME_URL": "gopher://odd.example",
    "OPENAI_REALTIME_MODEL": "odd model",
    "OPENAI_REALTIME_AUTH": "handshake",
    "OPENAI_REALTIME_VOICE": "odd voice",
    "OPENAI_TRANSCRIPTION_MODEL": "odd model",
    "ASSISTANT": "parrot",
    "DATABASE_URL": "mysql://odd.example/db",
    "REDIS_URL": "http://odd.example",
    "MEDIA_ROOT": str(SETTINGS),
    "WEBHOOK_PORTS": "443,odd",
    "WEBHOOK_LOCAL_HOSTS": "http://odd.example/",
} | dict.fromkeys(NUMBERS, "several")


@pytest.fixture
def boot(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that reads settings.py anew under the given variables."""

    def read(**variables: str) -> dict[str, Any]:
        for name in LINES:
            monkeypatch.setenv(name, "")
        monkeypatch.setenv("DEBUG", "1")
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(str(SETTINGS))

    return read


class TestOddValue:
    @pytest.mark.parametrize("name", sorted(ODD_VALUES))
    def test_stops_the_boot_and_names_the_variable_but_not_the_value(
        self, boot: Any, name: str
    ) -> None:
        with pytest.raises(ImproperlyConfigured) as stopped:
            boot(**{name: ODD_VALUES[name]})

        assert name in str(stopped.value)
        assert ODD_VALUES[name] not in str(stopped.value)

    def test_is_tried_for_every_variable_of_the_example(self) -> None:
        assert set(LINES) == set(ODD_VALUES)

    @pytest.mark.parametrize("name", NUMBERS)
    def test_a_negative_number_is_odd_too(self, boot: Any, name: str) -> None:
        with pytest.raises(ImproperlyConfigured, match=name):
            boot(**{name: "-1"})

    def test_a_pool_that_cannot_reach_its_minimum_is_odd(self, boot: Any) -> None:
        with pytest.raises(ImproperlyConfigured, match="DATABASE_POOL_MIN"):
            boot(DATABASE_POOL_MIN="9", DATABASE_POOL_MAX="3")


class TestProduction:
    def test_refuses_the_stand_in(self, boot: Any) -> None:
        with pytest.raises(ImproperlyConfigured, match="ASSISTANT"):
            boot(DEBUG="0", ASSISTANT="standin")

    def test_refuses_a_stopped_clock(self, boot: Any) -> None:
        with pytest.raises(ImproperlyConfigured, match="CAREMATIX_NOW"):
            boot(DEBUG="0", CAREMATIX_NOW="2026-03-05T10:00:00-05:00")

    def test_s77_cookies_are_bound_to_this_host_and_to_https(self, boot: Any) -> None:
        settings = boot(DEBUG="0", SECRET_KEY="x" * 50)

        assert settings["SESSION_COOKIE_NAME"].startswith("__Host-")
        assert settings["CSRF_COOKIE_NAME"].startswith("__Host-")
        assert settings["SESSION_COOKIE_SECURE"] is settings["CSRF_COOKIE_SECURE"] is True

    def test_makes_up_no_secret_key(self, boot: Any) -> None:
        assert boot(DEBUG="0")["SECRET_KEY"] == ""


class TestDefaults:
    def test_the_assistant_is_the_stand_in_only_while_developing_without_a_key(
        self, boot: Any
    ) -> None:
        assert boot()["ASSISTANT"] == "standin"
        assert boot(OPENAI_API_KEY="sk-test")["ASSISTANT"] == "openai"
        assert boot(DEBUG="0")["ASSISTANT"] == "openai"

    def test_an_empty_redis_address_means_a_layer_in_memory(self, boot: Any) -> None:
        layer = boot()["CHANNEL_LAYERS"]["default"]

        assert layer["BACKEND"] == "channels.layers.InMemoryChannelLayer"

    def test_postgresql_is_pooled_and_sqlite_writes_one_at_a_time(self, boot: Any) -> None:
        pooled = boot(DATABASE_URL="postgresql://u@127.0.0.1/db", DATABASE_POOL_MAX="7")
        single = boot(DATABASE_URL="sqlite:///x.sqlite3")

        assert pooled["DATABASES"]["default"]["OPTIONS"]["pool"]["max_size"] == 7
        assert single["DATABASES"]["default"]["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


class TestExample:
    def test_lists_every_variable_that_the_code_reads_and_no_other(self) -> None:
        read = set(re.findall(r'env\.\w+\(\s*"([A-Z0-9_]+)"', SETTINGS.read_text(encoding="utf-8")))

        assert set(LINES) == read

    @pytest.mark.parametrize("name", NUMBERS)
    def test_a_limit_begins_with_its_default(self, boot: Any, name: str) -> None:
        number = re.match(r"\d+", LINES[name])

        assert number is not None
        assert int(number[0]) == boot()[name]

    @pytest.mark.parametrize("name", sorted(name for name, value in LINES.items() if value))
    def test_states_the_default_of_each_variable_that_it_fills(self, boot: Any, name: str) -> None:
        value = LINES[name].partition("#")[0].strip()

        assert boot(DEBUG="0")[name] == boot(**{"DEBUG": "0", name: value})[name]

    def test_boots_as_it_stands(self, boot: Any) -> None:
        values = {name: value.partition("#")[0].strip() for name, value in LINES.items()}

        assert boot(**values)["DEBUG"] is False


class TestMail:
    @pytest.mark.parametrize(
        ("url", "backend", "host", "port", "tls", "ssl"),
        [
            ("", "console", "localhost", 25, False, False),
            ("console://", "console", "localhost", 25, False, False),
            ("smtp://mail.example", "smtp", "mail.example", 25, False, False),
            ("smtp+tls://u:p%40ss@mail.example:2525", "smtp", "mail.example", 2525, True, False),
            ("smtp+ssl://mail.example", "smtp", "mail.example", 465, False, True),
        ],
    )
    def test_goes_where_the_address_says(
        self, boot: Any, url: str, backend: str, host: str, port: int, tls: bool, ssl: bool
    ) -> None:
        settings = boot(EMAIL_URL=url)

        assert settings["EMAIL_BACKEND"] == f"django.core.mail.backends.{backend}.EmailBackend"
        assert (settings["EMAIL_HOST"], settings["EMAIL_PORT"]) == (host, port)
        assert (settings["EMAIL_USE_TLS"], settings["EMAIL_USE_SSL"]) == (tls, ssl)

    def test_reads_name_and_password(self, boot: Any) -> None:
        settings = boot(EMAIL_URL="smtp+tls://clinic:p%40ss@mail.example")

        assert (settings["EMAIL_HOST_USER"], settings["EMAIL_HOST_PASSWORD"]) == ("clinic", "p@ss")

    def test_goes_into_files_of_a_folder(self, boot: Any) -> None:
        assert boot(EMAIL_URL="file:///var/mail/out")["EMAIL_FILE_PATH"] == "/var/mail/out"


class TestKeys:
    def test_are_kept_in_their_order(self, boot: Any) -> None:
        key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

        keys = boot(AUDIT_KEYS=f"new:{key},old:{key}")["AUDIT_KEYS"]

        assert list(keys) == ["new", "old"]
        assert keys["new"] == bytes(range(32))
