"""
The views of a resource: its list, one of its objects, an act on one.

Each reads only what the sender may see, leaves the audit events of what it showed or did in the same transaction (S46,
S50), and answers with the same shape. A view names its parts; what is special about a resource is a method.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpResponseBase
from django_filters import FilterSet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer, Serializer

from accounts.access import NotVisible, Viewer, viewer_of_request
from accounts.api_views import ApiView, StrictSerializer
from accounts.audit.changes import changes
from accounts.origin import sender_of
from accounts.permissions import Verb
from accounts.repeats import Answer, Answered, answer_once, in_a_transaction
from accounts.rest import tags
from accounts.rest.exceptions import PreconditionFailed
from accounts.rest.pages import Pages
from accounts.sign_in import clock

SURFACE = "api"
PAGING = frozenset({"cursor", "page_size", "ordering", "fields"})
Done = tuple[int, Any]
"""The status of an answer, and the row it shows; None for an answer without a body."""


class Empty(StrictSerializer):
    """A body that says nothing: acts need none."""


class ResourceView(ApiView, GenericAPIView[Any]):
    """What the list, an object and an act of one resource have in common."""

    noun: ClassVar[str]
    """How the audit record and the operations of the schema call one of them, such as `visit_type`."""
    plural: ClassVar[str] = ""
    """Of several; the noun with an s unless told."""
    output: ClassVar[type[Serializer[Any]]]
    inputs: ClassVar[Mapping[str, type[BaseSerializer[Any]]]] = {}
    """What a body is read with, by method."""
    expandable: ClassVar[tuple[str, ...]] = ()
    secret_fields: ClassVar[tuple[str, ...]] = ()
    """Fields that are shown once, and not kept for a repeated request."""
    filter_backends = (DjangoFilterBackend,)
    pagination_class = Pages

    # What the apps above know.
    def rows(self) -> QuerySet[Any]:
        """Return all rows with what the output needs, so that a page takes a fixed number of queries."""
        raise NotImplementedError

    def visible(self, rows: QuerySet[Any], verb: Verb) -> QuerySet[Any]:
        """Return those rows with which the sender may do something."""
        raise NotImplementedError

    def run(self, work: Callable[[], Any]) -> Any:
        """Run a write in its transaction."""
        return in_a_transaction(work)

    # What is the same for all.
    @property
    def viewer(self) -> Viewer:
        """Return who asks."""
        return viewer_of_request(self.request)

    @property
    def actor(self) -> str:
        """Return who asks, as histories name them: "user:<id>" or "key:<id>"."""
        origin = sender_of(self.request, surface=SURFACE)
        assert origin is not None
        own = getattr(origin, "user_id", None)
        return f"user:{own}" if own else f"key:{getattr(origin, 'key_id', '')}"

    @classmethod
    def names(cls) -> tuple[str, str]:
        """Return the noun and its plural."""
        return cls.noun, cls.plural or f"{cls.noun}s"

    def get_queryset(self) -> QuerySet[Any]:
        """Return the rows, for the schema."""
        return self.rows()

    def get_serializer_class(self) -> type[BaseSerializer[Any]]:
        """Return what objects are shown with."""
        return self.output_for(self.viewer)

    def output_for(self, viewer: Viewer) -> type[Serializer[Any]]:
        """Return what objects are shown to this sender with; fewer fields for some."""
        return self.output

    def patients_of(self, rows: Sequence[Any]) -> Iterable[Any]:
        """Return the ids of the patients whom these rows tell of."""
        return {row.patient_id for row in rows if getattr(row, "patient_id", None)}

    def record(
        self, act: str, rows: Sequence[Any] = (), *, listed: bool = False, **more: Any
    ) -> None:
        """Write the audit event of what is shown or done, in the transaction that reads or writes it."""
        noun, plural = self.names()
        origin = sender_of(self.request, surface=SURFACE)
        assert origin is not None
        one = rows[0].pk if len(rows) == 1 and not listed else ""
        origin.record(
            action=f"{plural if listed else noun}.{act}",
            object_type=noun,
            object_id=one,
            patient_ids=sorted(map(str, self.patients_of(rows))),
            **more,
        )

    def reader(self) -> type[BaseSerializer[Any]]:
        """Return what the body is read with; fewer fields for some."""
        return self.inputs.get(self.request.method or "", Empty)

    def read_body(self, *, partial: bool = False) -> dict[str, Any]:
        """
        Return what was sent, as values.

        Raises:
            ValidationError: something is missing, wrong, or may not be sent.
        """
        data = self.request.data or {}
        found = self.reader()(data=data, partial=partial, context=self.get_serializer_context())
        found.is_valid(raise_exception=True)
        values: dict[str, Any] = found.validated_data
        return values

    def shaped(self, rows: Iterable[Any], *, many: bool) -> Any:
        """Return rows as the sender sees them, whole."""
        shown = self.output_for(self.viewer)
        given = list(rows)
        context = self.get_serializer_context()
        if many:
            return shown(given, many=True, context=context).data
        return shown(given[0], context=context).data

    def rendered(self, row: Any) -> bytes:
        """Return one row as its tag is made of it."""
        return bytes(JSONRenderer().render(self.shaped([row], many=False)))

    def trimmed(self, shown: Any) -> Any:
        """
        Return only the fields that `?fields=` names.

        Raises:
            ValidationError: there is no such field.
        """
        asked = self.request.query_params.get("fields")
        if asked is None:
            return shown
        known = set(self.output_for(self.viewer)().fields)
        wanted = {name.strip() for name in asked.split(",")}
        if unknown := wanted - known:
            raise ValidationError(
                {"fields": [f"There is no such field: {name[:40]}." for name in sorted(unknown)]}
            )
        if isinstance(shown, Mapping):
            return {name: value for name, value in shown.items() if name in wanted}
        return [self.trimmed(one) for one in shown]

    def once(self, work: Callable[[], Done]) -> Response:
        """
        Do a write whole or not at all; with an `Idempotency-Key` a repetition gets the first answer again.

        `work` returns the status and the row to show. It must record its own event.

        Raises:
            ValidationError: a value, or the row as a whole, is not right.
        """
        try:
            return self._once(work)
        except DjangoValidationError as error:
            raise ValidationError(_by_field(error)) from error

    def _once(self, work: Callable[[], Done]) -> Response:
        request = self.request

        def whole() -> Answer:
            status_code, row = work()
            if row is None:
                return {"status": status_code, "body": None, "tag": ""}
            body = self.rendered(row)
            tag = tags.tag_of(body) if isinstance(row, Model) else ""
            return {"status": status_code, "body": json.loads(body), "tag": tag}

        key = request.headers.get("Idempotency-Key")
        if key is None or request.method != "POST":
            answered = Answered(self.run(whole), replayed=False)
        else:
            answered = answer_once(
                scope=f"{self.actor} {request.method} {request.path}",
                key=key,
                body=request.data,
                now=clock.now(),
                work=whole,
                kept=self._kept,
                run=self.run,
            )
        answer = answered.answer
        response = Response(answer["body"], status=answer["status"])
        if answer["tag"]:
            response["ETag"] = answer["tag"]
        if answered.replayed:
            response["Idempotency-Replayed"] = "true"
        return response

    def _kept(self, answer: Answer) -> Answer:
        body = answer["body"]
        if not self.secret_fields or not isinstance(body, dict):
            return answer
        return {**answer, "body": body | dict.fromkeys(self.secret_fields, "")}


class ListView(ResourceView):
    """The list of a resource, and where it is possible a new one of it."""

    verbs = {"GET": Verb.LIST, "HEAD": Verb.LIST}
    filterset_class: ClassVar[type[FilterSet] | None] = None
    orderings: ClassVar[tuple[str, ...]] = ("-created_at", "created_at")
    more_parameters: ClassVar[frozenset[str]] = frozenset()

    @property
    def parameters(self) -> Collection[str]:  # type: ignore[override]  # what the address may have, from the filters
        """Return the parameters that the address of the list may have."""
        filters = self.filterset_class.base_filters if self.filterset_class else ()
        return PAGING | set(filters) | self.more_parameters

    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """List what the sender may see."""
        with transaction.atomic():
            found = self.filter_queryset(self.visible(self.rows(), Verb.LIST))
            page = self.paginate_queryset(found)
            assert page is not None
            self.record("list", page, listed=True)
            shown = self.trimmed(self.shaped(page, many=True))
        return self.get_paginated_response(shown)


class CreatingListView(ListView):
    """A list that takes new ones."""

    verbs = {"GET": Verb.LIST, "HEAD": Verb.LIST, "POST": Verb.CREATE}
    created: ClassVar[str] = "created"

    def create(self, values: dict[str, Any]) -> Any:
        """Store a new one, within a transaction, and return it; the usual one is checked as its form would."""
        return saved(self.rows().model(), values)

    def post(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Add one."""
        values = self.read_body()

        def work() -> Done:
            row = self.create(values)
            self.record(self.created, [row], changes=what_changed(row, {}, values))
            return status.HTTP_201_CREATED, self.rows().get(pk=row.pk)

        response = self.once(work)
        if isinstance(response.data, dict) and "id" in response.data:
            response["Location"] = f"{request.path}{response.data['id']}/"
        return response


class ObjectBase(ResourceView):
    """Finds the one object that the address names."""

    def one(self, verb: Verb, *, lock: bool = False) -> Any:
        """
        Return the object.

        Raises:
            NotVisible: there is none for this sender.
        """
        pk, rows = self.kwargs["pk"], self.rows()
        if lock:
            self.lock(pk)
        found = self.visible(rows, verb).filter(pk=pk).first()
        if found is None:
            foreign = rows.filter(pk=pk).exists()
            raise NotVisible(resource=self.resource_of(self.request), object_id=pk, foreign=foreign)
        return found

    def lock(self, pk: Any) -> None:
        """
        Lock what a write of the object competes for; without such an object nothing.

        Where the services lock something else first, so does the view: in another order two writers wait for ever.
        """
        # By itself: a query with optional relations cannot be locked on PostgreSQL.
        rows = self.rows().model._default_manager
        rows.select_for_update(no_key=True).filter(pk=pk).first()

    def check_match(self, row: Any) -> None:
        """
        Compare the object with the `If-Match` of the request.

        Raises:
            PreconditionFailed: the sender has seen another state of it.
        """
        header = self.request.headers.get("If-Match")
        if header is not None and not tags.is_current(header, tags.tag_of(self.rendered(row))):
            raise PreconditionFailed


class ObjectView(ObjectBase):
    """One object: to be read."""

    verbs = {"GET": Verb.READ, "HEAD": Verb.READ}
    parameters = frozenset({"fields"})

    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Show one."""
        with transaction.atomic():
            row = self.one(Verb.READ)
            self.record("read", [row])
            shown = self.shaped([row], many=False)
        tag = tags.tag_of(bytes(JSONRenderer().render(shown)))
        known = request.headers.get("If-None-Match")
        if known is not None and tags.is_known(known, tag):
            return Response(status=status.HTTP_304_NOT_MODIFIED, headers={"ETag": tag})
        return Response(self.trimmed(shown), headers={"ETag": tag})


class ChangingObjectView(ObjectView):
    """One object: to be read and changed."""

    verbs = {"GET": Verb.READ, "HEAD": Verb.READ, "PATCH": Verb.UPDATE}

    def change(self, row: Any, values: dict[str, Any]) -> Any:
        """Store the change, within a transaction, and return the row; the usual one is checked as its form would."""
        return saved(row, values)

    def patch(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Change the fields that are sent, and no others."""
        values = self.read_body(partial=True)

        def work() -> Done:
            row = self.one(Verb.UPDATE, lock=True)
            self.check_match(row)
            before = {name: value_of(row, name) for name in values}
            changed = self.change(row, values)
            self.record("changed", [row], changes=what_changed(row, before, values))
            return status.HTTP_200_OK, self.rows().get(pk=changed.pk)

        return self.once(work)


class DeletingObjectView(ChangingObjectView):
    """One object: to be read, changed, and deleted or ended."""

    verbs = {
        "GET": Verb.READ,
        "HEAD": Verb.READ,
        "PATCH": Verb.UPDATE,
        "DELETE": Verb.DELETE,
    }

    def remove(self, row: Any) -> None:
        """Delete the row, within a transaction; what has a history is ended instead."""
        row.delete()

    def delete(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Delete one; what has a history is ended and stays readable."""

        def work() -> Done:
            row = self.one(Verb.DELETE, lock=True)
            self.check_match(row)
            self.record("deleted", [row])
            self.remove(row)
            return status.HTTP_204_NO_CONTENT, None

        return self.once(work)


class ActView(ObjectBase):
    """An act on one object: `POST …/{id}/<act>/`; answers with the object as it is then."""

    verbs = {"POST": Verb.UPDATE}
    act: ClassVar[str]
    """What the audit record and the schema call it, such as `cancelled`."""
    operation: ClassVar[str] = ""
    """The name of the operation in the schema, such as `cancel_appointment`."""

    def found(self) -> Any:
        """Return the object, locked."""
        return self.one(self.verbs["POST"], lock=True)

    def perform(self, row: Any, values: dict[str, Any]) -> Any:
        """Do it, within a transaction, and return the row."""
        raise NotImplementedError

    def post(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Do it."""
        values = self.read_body()

        def work() -> Done:
            row = self.found()
            self.check_match(row)
            done = self.perform(row, values)
            self.record(self.act, [row])
            return status.HTTP_200_OK, self.rows().get(pk=done.pk)

        return self.once(work)


def is_many(row: Any, name: str) -> bool:
    """Tell whether a field names several other rows."""
    return any(field.name == name for field in row._meta.many_to_many)


def value_of(row: Any, name: str) -> Any:
    """Return what a field of a stored row holds; of one that names several other rows, their ids."""
    if is_many(row, name):
        return ids_in(getattr(row, name).values_list("pk", flat=True))
    return getattr(row, name, None)


def ids_in(several: Iterable[Any]) -> list[str]:
    """Return the ids of several rows, or those that are given, in order."""
    return sorted(str(one.pk if isinstance(one, Model) else one) for one in several)


def saved(row: Any, values: Mapping[str, Any]) -> Any:
    """
    Store a row with new values, checked as a form of it would be.

    Raises:
        ValidationError: a value, or the row as a whole, is not right.
    """
    several = {name: value for name, value in values.items() if is_many(row, name)}
    for name, value in values.items():
        if name not in several:
            setattr(row, name, value)
    row.full_clean()
    row.save()
    for name, value in several.items():
        getattr(row, name).set(value)
    return row


def what_changed(
    row: Any, before: Mapping[str, Any], values: Mapping[str, Any]
) -> dict[str, list[Any]]:
    """Return the change of each field of the row that was sent, for the audit record."""
    known = {field.name for field in row._meta.concrete_fields}
    after = {name: value for name, value in values.items() if name in known}
    after |= {name: ids_in(value) for name, value in values.items() if is_many(row, name)}
    return changes(type(row), before, after)


def _by_field(error: DjangoValidationError) -> dict[str, list[str]]:
    """Return what is wrong with each field; what is wrong with the row as a whole stands under its own name."""
    if not hasattr(error, "error_dict"):
        return {"non_field_errors": error.messages}
    return {
        "non_field_errors" if name == "__all__" else name: messages
        for name, messages in error.message_dict.items()
    }
