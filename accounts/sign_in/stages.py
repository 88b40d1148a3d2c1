"""What stands between the right password and being signed in."""

from allauth.account.stages import LoginStage
from django.http import HttpResponse
from django.shortcuts import redirect

from accounts.sign_in.second_factor import is_enrolled


class EnrolmentStage(LoginStage):
    """Have whoever has no second factor enrol one; until then nobody is signed in (security reference, S32)."""

    key = "enrolment"
    urlname = "mfa_activate_totp"

    def handle(self) -> tuple[HttpResponse | None, bool]:
        """Return where to enrol, or that there is nothing to do."""
        user = self.login.user
        if user is None or is_enrolled(user):
            return None, True
        return redirect(self.urlname), True
