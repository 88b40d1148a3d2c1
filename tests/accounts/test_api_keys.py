"""API keys: how they are made, what they open, and how they are closed (security reference, S42, S45 and S28)."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from accounts import issued_keys, keys
from accounts.exceptions import InvalidLifetime, KeyRefused, NoSuchKey
from accounts.models import ApiKey, AuditEvent
from accounts.origin import Origin
from accounts.permissions import Scope
from accounts.sign_in import clock
from tests.factories import make_user

ME = "/api/v1/me/"
HOME = "203.0.113.9"


def make_key(*, scopes: tuple[str, ...] = ("patients:read",), **fields: Any) -> tuple[ApiKey, str]:
    """Store a key and return it with its text."""
    defaults: dict[str, Any] = {"name": "Patient portal", "now": clock.now()}
    return issued_keys.create_key(scopes=scopes, **defaults | fields)


def ask(text: str, address: str = HOME, path: str = ME, **headers: str) -> Any:
    """Ask who one is, as a program does."""
    return Client(REMOTE_ADDR=address).get(
        path, headers={"Authorization": f"Bearer {text}"} | headers
    )


class TestTheTextOfAKey:
    def test_is_cmx_a_public_id_and_32_random_bytes_s42(self) -> None:
        made = keys.new_key()

        assert re.fullmatch(r"cmx_[0-9a-f]{16}_[A-Za-z0-9_-]{43}", made.text)
        assert keys.public_id_of(made.text) == made.public_id

    def test_is_another_one_every_time(self) -> None:
        assert len({keys.new_key().text for _ in range(1000)}) == 1000

    def test_matches_its_own_digest_only(self) -> None:
        made, other = keys.new_key(), keys.new_key()

        assert keys.matches(made.text, made.digest)
        assert not keys.matches(other.text, made.digest)

    @given(st.text())
    def test_is_not_found_in_any_other_text(self, text: str) -> None:
        assert keys.public_id_of(text) is None

    @pytest.mark.parametrize(
        ("header", "token"),
        [
            ("Bearer cmx_1", "cmx_1"),
            ("bearer  cmx_1 ", "cmx_1"),
            ("Bearer", ""),
            ("Basic cmx_1", None),
            ("", None),
            ("cmx_1", None),
        ],
    )
    def test_is_read_from_a_bearer_header_only(self, header: str, token: str | None) -> None:
        assert keys.bearer_token(header) == token

    @pytest.mark.parametrize(
        "address", ["/me/?key=cmx_1", "/me/?a=b&x=%63mx_1", "/cmx_1/", "/me/?CMX_1"]
    )
    def test_is_recognised_in_an_address(self, address: str) -> None:
        assert keys.is_in_address(address)
        assert not keys.is_in_address("/me/?reference=CMX-7Q")


class TestAddressLists:
    @pytest.mark.parametrize(
        ("address", "allowed"),
        [
            ("192.0.2.7", True),
            ("192.0.3.7", False),
            ("198.51.100.1", True),
            ("198.51.100.2", False),
            ("2001:db8::1", True),
            ("2001:db9::1", False),
            ("::ffff:192.0.2.7", True),
            ("", False),
            ("nowhere", False),
        ],
    )
    def test_hold_networks_and_single_addresses(self, address: str, allowed: bool) -> None:
        networks = keys.networks_of(["192.0.2.0/24", "198.51.100.1", "2001:db8::/32"])

        assert keys.is_allowed(address, networks) is allowed

    def test_that_are_empty_allow_every_address(self) -> None:
        assert keys.is_allowed("192.0.2.7", [])

    @pytest.mark.parametrize("text", ["192.0.2.7/24", "192.0.2", "example.org", ""])
    def test_take_nothing_else(self, text: str) -> None:
        with pytest.raises(keys.InvalidNetwork):
            keys.networks_of([text])


@pytest.mark.django_db
class TestMakingAKey:
    def test_stores_its_hash_and_never_the_key_s42(self) -> None:
        key, text = make_key()

        stored = ApiKey.objects.filter(pk=key.pk).values().get()
        assert stored["key_hash"] == keys.digest(text)
        assert not any(text.rpartition("_")[2] in str(value) for value in stored.values())

    def test_gives_it_90_days_unless_told_otherwise_s42(self) -> None:
        now = clock.now()

        assert make_key(now=now)[0].expires_at == now + timedelta(days=90)
        assert make_key(now=now, days=365)[0].expires_at == now + timedelta(days=365)

    @pytest.mark.parametrize("days", [0, -1, 366])
    def test_refuses_other_lives_than_1_to_365_days_s42(self, days: int) -> None:
        with pytest.raises(InvalidLifetime):
            make_key(days=days)

    @pytest.mark.parametrize("scopes", [(), ("patients:read", "everything"), ("PATIENTS:READ",)])
    def test_refuses_scopes_that_are_none_s42(self, scopes: tuple[str, ...]) -> None:
        with pytest.raises(keys.InvalidScopes):
            make_key(scopes=scopes)

    def test_keeps_scopes_once_and_in_one_order(self) -> None:
        key, _ = make_key(scopes=("fhir:read", "patients:read", "fhir:read"))

        assert key.scopes == ["patients:read", "fhir:read"]

    def test_is_on_record_without_the_key_s46(self) -> None:
        admin = make_user(role="admin")
        key, text = make_key(origin=Origin(admin.pk, "dashboard", HOME))

        event = AuditEvent.objects.get(action="key.created")
        assert (event.actor_id, event.object_id) == (str(admin.pk), str(key.pk))
        assert event.reason == "patients:read"
        assert text not in str(vars(event))


@pytest.mark.django_db
class TestTheCommand:
    def test_prints_a_key_that_works(self, capsys: pytest.CaptureFixture[str]) -> None:
        call_command("create_api_key", "Portal", "--scopes", "patients:read,appointments:write")

        answer = ask(capsys.readouterr().out.strip())
        assert answer.status_code == 200
        assert answer.json()["scopes"] == ["patients:read", "appointments:write"]
        assert AuditEvent.objects.get(action="key.created").surface == "cli"

    def test_takes_days_and_addresses(self, capsys: pytest.CaptureFixture[str]) -> None:
        options = ["--days", "7", "--addresses", "192.0.2.0/24, 2001:db8::1"]
        call_command("create_api_key", "Portal", "--scopes", "fhir:read", *options)

        key = ApiKey.objects.get()
        assert key.expires_at - key.created_at == timedelta(days=7)
        assert key.networks == ["192.0.2.0/24", "2001:db8::1/128"]

    @pytest.mark.parametrize(
        "options",
        [
            ["--scopes", "all"],
            ["--scopes", ""],
            ["--scopes", "fhir:read", "--days", "366"],
            ["--scopes", "fhir:read", "--addresses", "here"],
        ],
    )
    def test_says_what_is_wrong_and_makes_nothing(self, options: list[str]) -> None:
        with pytest.raises(CommandError):
            call_command("create_api_key", "Portal", *options)

        assert not ApiKey.objects.exists()

    def test_refuses_a_key_without_a_name(self) -> None:
        with pytest.raises(CommandError):
            call_command("create_api_key", " ", "--scopes", "fhir:read")


@pytest.mark.django_db
class TestAKey:
    def test_opens_the_api_from_its_header_s42(self) -> None:
        _, text = make_key()

        assert ask(text).status_code == 200

    @pytest.mark.parametrize("query", ["?api_key={}", "?access_token={}", "?x=%63mx_{}"])
    def test_in_the_address_is_answered_400_even_beside_the_header_s42(self, query: str) -> None:
        _, text = make_key()

        answer = ask(text, path=ME + query.format(text))

        assert (answer.status_code, answer.json()["code"]) == (400, "key_in_address")
        assert AuditEvent.objects.get(action="key.refused").outcome == "in_address"

    @pytest.mark.parametrize("wrong", ["", "cmx_", "nonsense", "cmx_" + "0" * 16 + "_" + "A" * 43])
    def test_that_is_none_gets_401_s42(self, wrong: str) -> None:
        answer = ask(wrong)

        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_key")
        assert answer["WWW-Authenticate"] == "Bearer"

    def test_gets_one_answer_whatever_is_wrong_with_it_s42(self) -> None:
        now = clock.now()
        admin = Origin(make_user(role="admin").pk, "dashboard")
        right = make_key()[1]
        revoked, expired = make_key(), make_key(days=1, now=now - timedelta(days=2))
        issued_keys.revoke_key(key_id=revoked[0].pk, origin=admin, now=now)
        elsewhere = make_key(networks=["192.0.2.0/24"])
        changed = right[:-1] + ("A" if right[-1] != "A" else "B")
        sent = [changed, revoked[1], expired[1], elsewhere[1], keys.new_key().text, "no key"]

        answers = [ask(text) for text in sent]

        for answer in answers:
            assert answer.status_code == 401
            assert {**answer.json(), "request_id": ""} == {
                "code": "invalid_key", "detail": KeyRefused.detail, "request_id": "",
            }  # fmt: skip
        events = AuditEvent.objects.filter(action="key.refused").order_by("seq")
        assert [event.outcome for event in events] == [
            "wrong_secret", "revoked", "expired", "wrong_address", "unknown", "malformed",
        ]  # fmt: skip
        assert not any(text in str(list(events.values())) for text in sent)

    def test_lasts_to_its_last_moment(self) -> None:
        now = clock.now()
        key, text = make_key(now=now)
        last = key.expires_at - timedelta(microseconds=1)

        assert issued_keys.recognised_key(text, address="", now=last) == key
        with pytest.raises(KeyRefused, match="expired"):
            issued_keys.recognised_key(text, address="", now=key.expires_at)

    def test_is_stamped_at_most_once_a_minute(self) -> None:
        key, _ = make_key()
        start = clock.now()
        seen: list[datetime | None] = []
        for seconds in (0, 59, 60, 61):
            key.refresh_from_db()
            issued_keys.note_use(key, now=start + timedelta(seconds=seconds))
            key.refresh_from_db()
            seen.append(key.last_used_at)

        assert seen == [start, start, start + timedelta(minutes=1), start + timedelta(minutes=1)]

    def test_with_a_list_of_addresses_opens_from_these_only_s42(self) -> None:
        _, text = make_key(networks=["192.0.2.0/24"])

        assert ask(text, "192.0.2.200").status_code == 200
        assert ask(text, HOME).status_code == 401

    def test_is_not_helped_by_a_forwarding_header_s45(self, settings: Any) -> None:
        settings.TRUSTED_PROXY_COUNT = 0
        _, text = make_key(networks=["192.0.2.0/24"])

        answer = ask(text, HOME, **{"X-Forwarded-For": "192.0.2.7"})

        assert answer.status_code == 401
        assert AuditEvent.objects.get(action="key.refused").address == HOME

    def test_comes_from_where_our_own_proxy_saw_it_s45(self, settings: Any) -> None:
        settings.TRUSTED_PROXY_COUNT = 1
        _, text = make_key(networks=["192.0.2.0/24"])

        real = ask(text, "10.0.0.1", **{"X-Forwarded-For": "203.0.113.9, 192.0.2.7"})
        spoofed = ask(text, "10.0.0.1", **{"X-Forwarded-For": "192.0.2.7, 203.0.113.9"})

        assert (real.status_code, spoofed.status_code) == (200, 401)


@pytest.mark.django_db
class TestRevoking:
    def test_closes_the_key_at_its_next_request_s28(self) -> None:
        key, text = make_key()
        admin = make_user(role="admin")
        before = ask(text).status_code

        issued_keys.revoke_key(key_id=key.pk, origin=Origin(admin.pk, "dashboard"), now=clock.now())

        assert (before, ask(text).status_code) == (200, 401)

    def test_is_on_record_once(self) -> None:
        key, _ = make_key()
        origin = Origin(make_user(role="admin").pk, "dashboard")

        first = issued_keys.revoke_key(key_id=key.pk, origin=origin, now=clock.now())
        again = issued_keys.revoke_key(key_id=key.pk, origin=origin, now=clock.now())

        assert first.revoked_at == again.revoked_at
        assert AuditEvent.objects.get(action="key.revoked").object_id == str(key.pk)

    def test_needs_a_key(self) -> None:
        admin = make_user(role="admin")

        with pytest.raises(NoSuchKey):
            issued_keys.revoke_key(
                key_id=admin.pk, origin=Origin(admin.pk, "dashboard"), now=clock.now()
            )


def test_scopes_are_the_contracts() -> None:
    assert " ".join(Scope) == (
        "patients:read patients:write clinical:read schedule:read appointments:read "
        "appointments:write calls:read calls:create transcripts:read fhir:read fhir:write"
    )
