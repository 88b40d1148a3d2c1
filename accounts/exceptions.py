"""What can go wrong with an account, with words fit for people."""


class UsernameTaken(Exception):  # noqa: N818 - named for what happened, as the other anticipated failures are
    """Somebody has that user name."""

    code = "username_taken"
    detail = "Somebody has that user name. Choose another."
