"""
Whether whoever asks may still do it by the time it is their turn (security reference, S28).

A page looks at the role when a request comes in. What hands out rights, accounts and keys looks again, under a lock
that a change of that role would need too: whoever was put out meanwhile hands out nothing any more.
"""

from collections.abc import Collection
from uuid import UUID

from accounts.exceptions import NotAllowed
from accounts.models import User
from accounts.origin import Origin
from accounts.permissions import Resource, Verb, may


def lock_people(
    ids: Collection[UUID], *, origin: Origin, verb: Verb, resource: Resource
) -> dict[UUID, User]:
    """
    Lock accounts together with the asker's own, by id, and return those that exist.

    Two administrators who would demote each other meet here: the second one is no administrator any more, so there
    is always one left.

    Raises:
        NotAllowed: the asker may not, or not any more.
    """
    rows = User.objects.select_for_update(no_key=True).filter(pk__in={*ids, origin.user_id})
    found = {row.pk: row for row in rows.order_by("pk")}
    asker = found.get(origin.user_id)
    if asker is None or not asker.is_active or not may(asker.role, verb, resource):
        raise NotAllowed
    return found
