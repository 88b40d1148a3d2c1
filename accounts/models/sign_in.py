"""How often somebody tried to come in."""

from django.db import models


class SignInCounter(models.Model):
    """The failed tries of one account, address or second factor; a try in hand counts as failed (S33)."""

    key = models.CharField(primary_key=True, max_length=80)
    tries = models.JSONField(default=list)  # when, in seconds since 1970, oldest first
    locked_until = models.DateTimeField(null=True, blank=True)
    last_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.key.split(":")[0]
