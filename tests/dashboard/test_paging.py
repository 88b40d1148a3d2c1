"""Pages of long lists."""

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from dashboard import paging
from dashboard.paging import Page, page_of


def make_page(number: int, total: int) -> Page[User]:
    return Page([], number, total, more=False)


class TestPage:
    def test_numbers_leave_gaps_between_the_ends_and_the_neighbours(self) -> None:
        page = make_page(10, paging.SIZE * 20)

        assert list(page.numbers()) == [1, None, 9, 10, 11, None, 20]

    def test_an_empty_list_has_one_page(self) -> None:
        page = make_page(1, 0)

        assert (page.last, page.previous, page.next) == (1, None, None)


@pytest.mark.django_db
class TestPageOf:
    @pytest.fixture(autouse=True)
    def _users(self) -> None:
        User.objects.bulk_create(User(username=f"user{number:03}") for number in range(60))

    def test_shows_the_place_of_its_rows(self) -> None:
        page = page_of(User.objects.order_by("username"), 3)

        assert (page.start, page.end, page.total, page.more) == (51, 60, 60, False)

    def test_a_number_past_the_end_is_the_last_page(self) -> None:
        assert page_of(User.objects.order_by("username"), 99).number == 3

    def test_takes_two_queries(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        with django_assert_num_queries(2):
            page_of(User.objects.order_by("username"), 2)

    def test_never_counts_past_its_limit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(paging, "MOST", 50)

        page = page_of(User.objects.order_by("username"), 9)

        assert (page.number, page.total, page.more) == (2, 50, True)
