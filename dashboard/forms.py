"""What narrows a list. Anything odd is as good as not chosen: a list always has an answer."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django import forms

from dashboard.labels import CALL_STATUS, OUTCOME

ANY = ("", "Any")
LONGEST_SEARCH = 80


class ListFilters(forms.Form):
    """The tab, the page, a search and some choices. The search never becomes part of an address (S53)."""

    tabs: Sequence[str] = ()
    search_label = ""

    tab = forms.CharField(required=False, widget=forms.HiddenInput)
    page = forms.IntegerField(required=False, min_value=1, max_value=10_000)
    search = forms.CharField(required=False, max_length=LONGEST_SEARCH)

    def __init__(self, data: Any, **kwargs: Any) -> None:
        super().__init__(data, auto_id="filter-%s", **kwargs)
        self.fields["search"].widget = forms.TextInput(
            attrs={
                "class": "input",
                "type": "search",
                "aria-label": f"Search by {self.search_label.lower()}",
                "placeholder": self.search_label,
                "autocomplete": "off",
            }
        )

    def given(self, name: str) -> str:
        """Return a choice, or nothing if it was not made or is not one."""
        self.is_valid()  # checks once; what is odd is then missing from the cleaned data
        return str(self.cleaned_data.get(name) or "")

    @property
    def shown_tab(self) -> str:
        tab = self.given("tab")
        return tab if tab in self.tabs else self.tabs[0]

    @property
    def page_number(self) -> int:
        return int(self.given("page") or 1)

    @property
    def choice_fields(self) -> list[forms.BoundField]:
        return [field for field in self if isinstance(field.field, forms.ChoiceField)]

    @property
    def is_narrowed(self) -> bool:
        """Tell whether anything but the tab was chosen."""
        return any(self.given(name) for name in self.fields if name not in {"tab", "page"})

    def query(self) -> str:
        """Return the choices as a query string: without the page, and never with the search."""
        names = [name for name in self.fields if name not in {"page", "search"}]
        return urlencode({name: value for name in names if (value := self.given(name))})


class CallFilters(ListFilters):
    tabs = ("all", "live", "staff", "failed")
    search_label = "Patient or number"

    status = forms.ChoiceField(
        required=False,
        choices=[ANY, *((key.value, label.words) for key, label in CALL_STATUS.items())],
    )
    outcome = forms.ChoiceField(
        required=False, choices=[ANY, *((key.value, label.words) for key, label in OUTCOME.items())]
    )
    when = forms.ChoiceField(
        required=False,
        choices=[("", "Any time"), ("1", "Today"), ("7", "Last 7 days"), ("30", "Last 30 days")],
    )


class AppointmentFilters(ListFilters):
    tabs = ("upcoming", "today", "unconfirmed", "past", "cancelled")
    search_label = "Patient or number"

    nurse = forms.ChoiceField(required=False)
    source = forms.ChoiceField(
        required=False,
        label="Booked by",
        choices=[("", "Anyone"), ("assistant", "The assistant"), ("staff", "Staff")],
    )

    def __init__(self, data: Any, *, nurses: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.fields["nurse"] = forms.ChoiceField(required=False, choices=[ANY, *nurses])
