"""What can go wrong with an account, with words fit for people."""


class UsernameTaken(Exception):
    """Somebody has that user name."""

    code = "username_taken"
    detail = "Somebody has that user name. Choose another."
