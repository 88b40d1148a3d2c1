"""What can go wrong with an account, with words fit for people."""

from django.db import OperationalError


class NotRecorded(OperationalError):
    """
    An event could not be written to the audit record, so what it tells of does not happen.

    It is a failure of the database like others: calls answer `temporarily_unavailable`, pages with status 503.
    """

    code = "temporarily_unavailable"
    detail = "This is not available just now. Nothing was shown or changed."


class UsernameTaken(Exception):
    """Somebody has that user name."""

    code = "username_taken"
    detail = "Somebody has that user name. Choose another."


class OwnSecondFactor(Exception):
    """Nobody resets their own second factor."""

    code = "own_second_factor"
    detail = "You cannot reset your own two-step sign-in. Ask another administrator."


class OwnAccount(Exception):
    """Nobody changes what they themselves may do."""

    code = "own_account"
    detail = "You cannot do this to your own account. Ask another administrator."


class NoSuchPerson(Exception):
    """There is no such account, or no such role."""

    code = "not_found"
    detail = "There is no such person."


class NotAllowed(Exception):
    """Whoever asks may not do this any more."""

    code = "not_allowed"
    detail = "Your role does not include this any more."


class ReasonMissing(Exception):
    """Emergency access needs a reason that explains something."""

    code = "reason_missing"
    detail = "Say in 10 to 200 characters why this record is needed now."


class NobodyToOpenFor(Exception):
    """Emergency access is for people whose role ends at own patients."""

    code = "nobody_to_open_for"
    detail = "Choose an active nurse."


class NoSuchAccess(Exception):
    """Nothing of that id is open."""

    code = "not_found"
    detail = "This access has ended already."


class HasPassword(Exception):
    """An invitation is for people without a password."""

    code = "has_password"
    detail = "They have a password. At the login page they can have a link sent if they forgot it."


class EmailMissing(Exception):
    """An invitation needs an address."""

    code = "email_missing"
    detail = "There is no e-mail address to send the invitation to."


class HoldNeedsReason(Exception):
    """What keeps or deletes records for good needs a reason that explains something."""

    code = "reason_missing"
    detail = "Say in 10 to 200 characters why, without names: it is kept in the audit record."


class NoSuchHold(Exception):
    """No such hold is in force."""

    code = "not_found"
    detail = "This hold was lifted already."


class InvalidLifetime(Exception):
    """An API key lives a day at least, and not longer than the settings allow."""

    code = "invalid_lifetime"

    def __init__(self, most: int) -> None:
        self.detail = f"A key is valid for 1 to {most} days."
        super().__init__(self.detail)


class NoSuchKey(Exception):
    """There is no such API key."""

    code = "not_found"
    detail = "There is no such API key."


class KeyRefused(Exception):
    """
    An API key opens nothing here.

    Whoever sent it hears the same in every case; `outcome` and `key_id` are for the audit record.
    """

    code = "invalid_key"
    detail = "This API key is not valid here."

    def __init__(self, outcome: str, key_id: object = "") -> None:
        self.outcome, self.key_id = outcome, key_id
        super().__init__(outcome)


class TooManyRequests(Exception):
    """A limit is used up for so many seconds."""

    code = "throttled"
    detail = "Too many requests. Wait as many seconds as Retry-After says."

    def __init__(self, wait_s: int) -> None:
        self.wait_s = wait_s
        super().__init__()


class InvalidIdempotencyKey(Exception):
    """An `Idempotency-Key` is empty, too long, or holds something that cannot be printed."""

    code = "invalid_idempotency_key"
    detail = "An Idempotency-Key has 1 to 255 printable ASCII characters."


class IdempotencyKeyReused(Exception):
    """The key was used for another request; nothing was done."""

    code = "idempotency_key_reused"
    detail = "That Idempotency-Key belongs to another request."
