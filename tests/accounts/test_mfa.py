"""The second factor (security reference, S32)."""

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from accounts.exceptions import OwnSecondFactor
from accounts.models import AuditEvent, User
from accounts.sign_in import clock, second_factor, totp
from tests.dashboard.rows import PASSWORD, make_user
from tests.sign_in import LOGIN, SECRET, code, enrol, give_password, sign_in

pytestmark = pytest.mark.django_db
ENROL, CODE = "/accounts/login/enrol/", "/accounts/login/code/"


def shown_secret(page: str) -> str:
    found = re.search(r'id="secret">([A-Z2-7 ]+)<', page)
    assert found
    return found[1].replace(" ", "")


def shown_recovery_codes(page: str) -> list[str]:
    return re.findall(r"<li><code>([a-z2-7-]+)</code></li>", page)


class TestTotp:
    # RFC 6238, appendix B: the last six of its eight digits, for HMAC-SHA-1.
    @pytest.mark.parametrize(
        ("seconds", "expected"),
        [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
    )
    def test_makes_the_codes_of_the_standard(self, seconds: int, expected: str) -> None:
        secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

        assert totp.code_at(secret, totp.step_at(seconds)) == expected

    @pytest.mark.parametrize(
        ("steps", "is_right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
    )
    def test_takes_a_code_one_step_off_s32(self, steps: int, is_right: bool) -> None:
        seconds = 1_800_000_000.0
        given = totp.code_at(SECRET, totp.step_at(seconds) + steps)

        assert (totp.matching_step(SECRET, given, seconds=seconds) is not None) is is_right


class TestTheFirstLogin:
    def test_leads_to_enrolment_then_to_the_recovery_codes_then_in(self, client: Client) -> None:
        make_user("robin")

        first = give_password(client, "robin", PASSWORD)
        page = client.get(first["Location"]).content.decode()
        secret = shown_secret(page)
        codes = client.post(ENROL, {"code": code(secret=secret)})

        assert first["Location"] == ENROL
        assert f"secret={secret}" in page
        assert 'href="otpauth://totp/' in page
        assert codes.status_code == 200
        assert len(set(shown_recovery_codes(codes.content.decode()))) == 10
        assert "<form" not in codes.content.decode()
        assert codes.content.decode().count(">Continue</a>") == 1
        assert re.findall(r'href="([^"]*)">Continue', codes.content.decode()) == ["/"]
        assert client.get("/dashboard/calls/").status_code == 200

    @pytest.mark.parametrize("path", ["/", "/dashboard/calls/", "/admin/", "/accounts/sessions/"])
    def test_opens_nothing_before_the_app_is_enrolled_s32(self, client: Client, path: str) -> None:
        make_user("chief", "admin", is_staff=True, is_superuser=True)
        give_password(client, "chief", PASSWORD)

        assert client.get(path)["Location"].startswith(LOGIN)

    def test_shows_the_same_secret_until_it_is_confirmed(self, client: Client) -> None:
        make_user("robin")
        give_password(client, "robin", PASSWORD)
        secret = shown_secret(client.get(ENROL).content.decode())

        wrong = client.post(ENROL, {"code": "000000"}).content.decode()

        assert shown_secret(wrong) == secret
        assert "There is a problem" in wrong

    def test_keeps_only_hashes_of_the_recovery_codes_s32(self, client: Client) -> None:
        user = make_user("robin")
        give_password(client, "robin", PASSWORD)
        secret = shown_secret(client.get(ENROL).content.decode())

        page = client.post(ENROL, {"code": code(secret=secret)}).content.decode()

        kept = str(Authenticator.objects.get(user=user, type="recovery_codes").data)
        held = str(dict(client.session))
        for one in shown_recovery_codes(page):
            assert one not in kept + held
            assert one.replace("-", "") not in kept + held

    def test_does_not_take_the_code_of_the_enrolment_again(self, client: Client) -> None:
        make_user("robin")
        give_password(client, "robin", PASSWORD)
        secret = shown_secret(client.get(ENROL).content.decode())
        used = code(secret=secret)
        client.post(ENROL, {"code": used})
        again = Client()
        give_password(again, "robin", PASSWORD)

        assert again.post(CODE, {"code": used}).status_code == 200
        assert again.get("/dashboard/calls/").status_code == 302

    def test_is_on_record(self, client: Client) -> None:
        user = make_user("robin")
        give_password(client, "robin", PASSWORD)
        secret = shown_secret(client.get(ENROL).content.decode())

        client.post(ENROL, {"code": code(secret=secret)})

        assert AuditEvent.objects.filter(action="mfa.enrolled", actor_id=str(user.pk)).exists()

    @pytest.mark.parametrize("path", [ENROL, CODE])
    @pytest.mark.parametrize("method", ["get", "post"])
    def test_is_closed_to_who_gave_no_password(
        self, client: Client, path: str, method: str
    ) -> None:
        assert getattr(client, method)(path)["Location"] == LOGIN

    def test_cannot_replace_the_app_of_who_has_one_s32(self, client: Client) -> None:
        enrol(make_user("robin"))
        give_password(client, "robin", PASSWORD)

        assert client.get(ENROL)["Location"] == LOGIN


class TestACode:
    def test_counts_once_s32(self, client: Client) -> None:
        enrol(make_user("robin"))
        used = code()
        give_password(client, "robin", PASSWORD)
        client.post(CODE, {"code": used})
        again = Client()
        give_password(again, "robin", PASSWORD)

        page = again.post(CODE, {"code": used}).content.decode()

        assert "That code is wrong or was used before." in page
        assert again.get("/dashboard/calls/").status_code == 302

    def test_is_gone_once_a_later_one_was_used(self) -> None:
        user = enrol(make_user("robin"))
        now = clock.now()

        later = second_factor.use_code(user=user, code=code(now, steps=1), now=now)
        earlier = second_factor.use_code(user=user, code=code(now), now=now)

        assert later is not None
        assert earlier is None

    def test_may_be_typed_with_a_gap(self) -> None:
        user = enrol(make_user("robin"))
        now = clock.now()
        shown = code(now)

        assert second_factor.use_code(user=user, code=f" {shown[:3]} {shown[3:]} ", now=now)

    def test_locks_after_five_wrong_ones_s32(self, client: Client) -> None:
        enrol(make_user("robin"))
        give_password(client, "robin", PASSWORD)

        answers = [client.post(CODE, {"code": "000000"}).status_code for _ in range(5)]
        right = client.post(CODE, {"code": code()})

        assert answers == [200] * 5
        assert right.status_code == 429
        assert "Too many attempts" in right.content.decode()
        assert AuditEvent.objects.filter(action="mfa.locked_out").count() == 1

    def test_stays_locked_for_another_session(self, client: Client) -> None:
        enrol(make_user("robin"))
        give_password(client, "robin", PASSWORD)
        for _ in range(5):
            client.post(CODE, {"code": "000000"})
        other = Client()
        give_password(other, "robin", PASSWORD)

        assert other.post(CODE, {"code": code()}).status_code == 429

    @pytest.mark.parametrize("given", ["", "12345", "abcdef", "１２３４５６", "0" * 41, "\x00"])
    def test_of_any_other_shape_is_wrong(self, client: Client, given: str) -> None:
        enrol(make_user("robin"))
        give_password(client, "robin", PASSWORD)

        assert client.post(CODE, {"code": given}).status_code == 200
        assert client.get("/dashboard/calls/").status_code == 302


class TestARecoveryCode:
    def test_lets_in_once_s32(self, client: Client) -> None:
        user = enrol(make_user("robin"))
        one = second_factor.new_recovery_codes(user=user)[0]
        give_password(client, "robin", PASSWORD)
        first = client.post(CODE, {"code": one.upper().replace("-", " ")})
        again = Client()
        give_password(again, "robin", PASSWORD)

        second = again.post(CODE, {"code": one})

        assert first["Location"] == "/"
        assert second.status_code == 200
        assert second_factor.recovery_codes_left(user) == 9

    def test_is_one_of_ten_new_ones_on_request(self, client: Client) -> None:
        user = enrol(make_user("robin"))
        old = second_factor.new_recovery_codes(user=user)[0]
        sign_in(client, "robin", PASSWORD)

        page = client.post("/accounts/recovery-codes/").content.decode()

        assert len(shown_recovery_codes(page)) == 10
        assert second_factor.use_code(user=user, code=old, now=clock.now()) is None


class TestReset:
    def test_makes_the_person_enrol_again_and_ends_their_sessions_s32(self, client: Client) -> None:
        user, admin = enrol(make_user("robin")), make_user("chief", "admin")
        sign_in(client, "robin", PASSWORD)

        second_factor.reset(user_id=user.pk, admin_id=admin.pk)

        assert client.get("/dashboard/calls/")["Location"].startswith(LOGIN)
        assert give_password(client, "robin", PASSWORD)["Location"] == ENROL
        event = AuditEvent.objects.get(action="mfa.reset")
        assert (event.actor_id, event.object_id) == (str(admin.pk), str(user.pk))

    def test_needs_another_administrator_s32(self) -> None:
        admin = enrol(make_user("chief", "admin"))

        with pytest.raises(OwnSecondFactor):
            second_factor.reset(user_id=admin.pk, admin_id=admin.pk)

        assert second_factor.is_enrolled(admin)

    def test_is_an_action_of_the_admin_site(self, client: Client) -> None:
        user = enrol(make_user("robin"))
        client.force_login(make_user("chief", "admin", is_staff=True, is_superuser=True))

        client.post("/admin/accounts/user/", self._chosen(user))

        assert not second_factor.is_enrolled(user)

    def test_asks_for_password_and_code_again_s36(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        user = enrol(make_user("robin"))
        client.force_login(make_user("chief", "admin", is_staff=True, is_superuser=True))
        later = clock.now() + timedelta(minutes=11)
        monkeypatch.setattr(clock, "now", lambda: later)

        answer = client.post("/admin/accounts/user/", self._chosen(user))

        assert answer["Location"].startswith("/accounts/reauthenticate/")
        assert second_factor.is_enrolled(user)

    def _chosen(self, user: User) -> dict[str, Any]:
        return {"action": "reset_second_factor", "_selected_action": [str(user.pk)]}
