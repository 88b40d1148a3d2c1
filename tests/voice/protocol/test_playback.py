"""The playback ledger, also against a simulation of Twilio's buffer that shares no code with it."""

import pickle
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from voice.protocol.playback import LOST_MARK_MS, Playback


class TestPlayback:
    def test_asks_for_a_mark_after_two_hundred_milliseconds(self) -> None:
        playback = Playback()

        names = [playback.sent("item", 160, now_ms=0) for _ in range(10)]

        assert names == [""] * 9 + ["0|item|200"]

    def test_counts_by_the_clock_between_two_marks(self) -> None:
        playback = Playback()
        playback.sent("item", 1600, now_ms=0)

        assert playback.heard_ms("item", now_ms=120) == 120

    def test_counts_by_the_clock_past_marks_that_have_not_come(self) -> None:
        playback = Playback()
        playback.sent("item", 1600, now_ms=0)
        playback.sent("item", 1600, now_ms=0)

        assert playback.heard_ms("item", now_ms=390) == 390

    def test_counts_nothing_of_an_item_that_has_not_begun(self) -> None:
        playback = Playback()
        playback.sent("first", 1600, now_ms=0)
        playback.sent("second", 1600, now_ms=0)

        assert playback.heard_ms("second", now_ms=200) == 0

    def test_confirms_nothing_by_the_clock(self) -> None:
        playback = Playback()
        playback.sent("item", 1600, now_ms=0)
        playback.let_go(now_ms=9_000)

        assert playback.heard_ms("item", now_ms=9_000) == 200
        assert playback.confirmed_ms("item") == 0

    def test_counts_a_mark_as_heard(self) -> None:
        playback = Playback()
        name = playback.sent("item", 1600, now_ms=0)

        playback.marked(name, now_ms=50)

        assert playback.heard_ms("item", now_ms=50) == 200

    def test_ignores_the_marks_that_a_clear_gives_back(self) -> None:
        playback = Playback()
        name = playback.sent("item", 1600, now_ms=0)
        playback.clear(now_ms=60)

        counted = playback.marked(name, now_ms=61)

        assert not counted
        assert playback.confirmed_ms("item") == 0
        assert playback.past_ms("item") == 60

    def test_names_the_marks_after_a_clear_anew(self) -> None:
        playback = Playback()
        playback.sent("item", 1600, now_ms=0)
        playback.clear(now_ms=60)

        assert playback.sent("next", 1600, now_ms=60) == "1|next|200"

    def test_tells_for_each_item_what_was_heard_of_it_when_cleared(self) -> None:
        playback = Playback()
        playback.sent("first", 1600, now_ms=0)
        playback.sent("second", 1600, now_ms=0)

        assert playback.clear(now_ms=150) == {"first": 150, "second": 0}

    def test_takes_a_later_mark_as_proof_of_the_earlier_ones(self) -> None:
        playback = Playback()
        playback.sent("item", 1600, now_ms=0)
        last = playback.sent("item", 1600, now_ms=0)

        playback.marked(last, now_ms=400)

        assert playback.confirmed_ms("item") == 400
        assert not playback.pending

    def test_does_not_count_a_pause_in_sending_as_heard_audio(self) -> None:
        playback = Playback()
        playback.sent("item", 160, now_ms=0)
        playback.sent("item", 160, now_ms=1_000)

        assert playback.heard_ms("item", now_ms=1_005) == 25


class TestMarks:
    """Marks that come late, out of order, or never."""

    def test_that_never_come_leave_the_clock_right_at_13840_ms(self) -> None:
        playback = Playback()
        for at in range(0, 20_000, 200):
            playback.sent("item", 1600, now_ms=max(0, at - 10_000))

        playback.let_go(now_ms=13_840)

        assert playback.clear(now_ms=13_840) == {"item": 13_840}

    def test_that_come_500_ms_late_do_not_slow_the_clock(self) -> None:
        playback = Playback()
        names = [playback.sent("item", 1600, now_ms=0) for _ in range(50)]

        for number, name in enumerate(names[:15], start=1):
            playback.marked(name, now_ms=200 * number + 500)

        assert playback.confirmed_ms("item") == 3_000
        assert playback.clear(now_ms=3_600) == {"item": 3_600}

    def test_that_come_early_set_the_clock_forward(self) -> None:
        playback = Playback()
        names = [playback.sent("item", 1600, now_ms=0) for _ in range(5)]

        playback.marked(names[1], now_ms=300)

        assert playback.heard_ms("item", now_ms=310) == 410
        assert playback.dry_at_ms == 900

    def test_that_come_after_they_counted_as_lost_set_the_clock_back(self) -> None:
        """The carrier had stalled for five seconds, and has just played the first stretch."""
        playback = Playback()
        names = [playback.sent("item", 1600, now_ms=0) for _ in range(50)]
        playback.let_go(now_ms=5_200)

        counted = playback.marked(names[0], now_ms=5_200)

        assert counted
        assert playback.confirmed_ms("item") == 200
        assert playback.clear(now_ms=5_250) == {"item": 250}

    def test_that_were_lost_are_made_good_by_a_later_one(self) -> None:
        playback = Playback()
        playback.sent("first", 1600, now_ms=0)
        name = playback.sent("second", 1600, now_ms=3_000)
        playback.let_go(now_ms=3_000)

        playback.marked(name, now_ms=3_200)

        assert playback.confirmed_ms("first") == 200
        assert not playback.unconfirmed

    def test_are_not_missed_before_the_end_of_a_stretch_was_marked(self) -> None:
        playback = Playback()
        playback.sent("item", 160, now_ms=0)
        playback.let_go(now_ms=60_000)

        name = playback.mark_due(now_ms=60_000)
        playback.marked(name, now_ms=60_050)

        assert playback.confirmed_ms("item") == 20

    def test_that_never_come_cost_no_more_after_ten_minutes_than_after_two(self) -> None:
        """S71."""
        playback = Playback()
        sizes = {}
        for at in range(0, 600_001, 200):
            playback.sent("item", 1600, now_ms=at)
            playback.let_go(now_ms=at)
            sizes[at] = len(pickle.dumps(playback))

        assert sizes[600_000] <= sizes[120_000] * 1.1


@dataclass
class Phone:
    """Twilio's one buffer of audio and marks, played byte by millisecond."""

    now: int = 0
    buffer: deque[tuple[str, str, int]] = field(default_factory=deque)  # kind, name, bytes left
    played: dict[str, int] = field(default_factory=dict)

    def echoes(self) -> list[str]:
        """Take the marks that stand first in the buffer."""
        names = []
        while self.buffer and self.buffer[0][0] == "mark":
            names.append(self.buffer.popleft()[1])
        return names

    def play(self, ms: int) -> list[tuple[int, str]]:
        """Play that long; return the marks reached, each with its time."""
        reached = []
        for _ in range(ms):
            left = 8
            while left and self.buffer:
                kind, name, length = self.buffer[0]
                if kind == "mark":
                    break
                step = min(left, length)
                left -= step
                self.played[name] = self.played.get(name, 0) + step
                if step == length:
                    self.buffer.popleft()
                else:
                    self.buffer[0] = (kind, name, length - step)
                reached += [(self.now + 1, mark) for mark in self.echoes()]
            self.now += 1
            reached += [(self.now, mark) for mark in self.echoes()]
        return reached


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.sampled_from("abc"), st.integers(1, 4_000)),
        st.tuples(st.just("send"), st.sampled_from("abc"), st.integers(1, 4_000)),
        st.tuples(st.just("play"), st.just(""), st.integers(1, 600)),
        st.tuples(st.just("play"), st.just(""), st.integers(1, 600)),
        st.tuples(st.just("stall"), st.just(""), st.integers(1, 4_000)),
        st.tuples(st.just("end"), st.just(""), st.just(0)),
        st.tuples(st.just("clear"), st.just(""), st.just(0)),
    ),
    min_size=8,
    max_size=40,
)
IN_TIME = st.integers(0, LOST_MARK_MS - 1)
LOST = 10**9
DELAYS = st.lists(st.one_of(IN_TIME, IN_TIME, st.just(LOST)), min_size=1, max_size=8)
ANY_DELAYS = st.lists(
    st.one_of(IN_TIME, st.integers(0, 9_000), st.just(LOST)), min_size=1, max_size=8
)


class Line:
    """A ledger and the phone it keeps account of; `delays` say in turn how long each echo is on its way."""

    def __init__(self, delays: list[int]) -> None:
        self.playback = Playback()
        self.phone = Phone()
        self.sent: dict[str, int] = {}
        self.confirmed: dict[str, int] = {}
        self._delays = delays
        self._echoes = 0
        self._post: list[tuple[int, str]] = []  # echoes on their way to us, each with its time
        self._meaning: dict[str, dict[str, int]] = {}  # what each mark proves, while it counts

    def take(self, step: str, item: str, amount: int) -> None:
        """Do one step; time passes by the millisecond."""
        match step:
            case "send":
                self._send(f"{item}{self.playback.generation}", amount)  # a cut item ends
            case "end":
                self._mark(self.playback.mark_due(self.phone.now))
            case "play":
                for _ in range(amount):
                    self._echo(name for _, name in self.phone.play(1))
                    self._deliver()
            case "stall":
                self.phone.now += amount
                self._deliver()
            case "clear":
                self.playback.clear(self.phone.now)
                self._meaning.clear()
                self._echo(name for kind, name, _ in self.phone.buffer if kind == "mark")
                self.phone.buffer.clear()

    def _send(self, item: str, amount: int) -> None:
        if self.playback.open_item not in ("", item):
            self._mark(self.playback.mark_due(self.phone.now))
        self.sent[item] = self.sent.get(item, 0) + amount
        self.phone.buffer.append(("audio", item, amount))
        self._mark(self.playback.sent(item, amount, self.phone.now))

    def _mark(self, name: str) -> None:
        if name:
            generation = str(self.playback.generation)
            self._meaning[name] = {
                item: total for item, total in self.sent.items() if item[1:] == generation
            }
            self.phone.buffer.append(("mark", name, 0))
            self._echo(self.phone.echoes())

    def _echo(self, names: Iterable[str]) -> None:
        for name in names:
            delay = self._delays[self._echoes % len(self._delays)]
            self._echoes += 1
            self._post.append((self.phone.now + delay, name))

    def _deliver(self) -> None:
        now = self.phone.now
        arrived = [name for at, name in self._post if at <= now]
        self._post = [(at, name) for at, name in self._post if at > now]
        for name in arrived:
            for item, total in self._meaning.get(name, {}).items():
                self.confirmed[item] = max(self.confirmed.get(item, 0), total)
            self.playback.marked(name, now)
        self.playback.let_go(now)


class TestPlaybackAgainstAPhone:
    @settings(max_examples=200, deadline=None)
    @given(STEPS, ANY_DELAYS)
    def test_claims_no_more_than_was_sent_and_no_less_than_was_confirmed(
        self, steps: list[tuple[str, str, int]], delays: list[int]
    ) -> None:
        line = Line(delays)

        for step in steps:
            line.take(*step)

            for item, total in line.sent.items():
                confirmed = line.confirmed.get(item, 0) // 8
                assert line.playback.confirmed_ms(item) == confirmed
                assert confirmed <= line.playback.heard_ms(item, line.phone.now) <= total // 8

    @settings(max_examples=200, deadline=None)
    @given(STEPS, DELAYS)
    def test_is_right_to_the_millisecond_while_the_phone_plays_in_real_time(
        self, steps: list[tuple[str, str, int]], delays: list[int]
    ) -> None:
        """Whatever becomes of the marks, if those that come are in time."""
        line = Line(delays)

        for step in steps:
            if step[0] != "stall":
                line.take(*step)

            for item in line.sent:
                heard = line.playback.heard_ms(item, line.phone.now)
                assert heard == line.phone.played.get(item, 0) // 8

    @settings(max_examples=200, deadline=None)
    @given(STEPS)
    def test_equals_the_clock_when_no_mark_comes_at_all(
        self, steps: list[tuple[str, str, int]]
    ) -> None:
        line = Line([LOST])

        for step in steps:
            if step[0] != "stall":
                line.take(*step)

            for item in line.sent:
                heard = line.playback.heard_ms(item, line.phone.now)
                assert heard == line.phone.played.get(item, 0) // 8
                assert line.playback.confirmed_ms(item) == 0

    @settings(max_examples=100, deadline=None)
    @given(STEPS)
    def test_is_right_again_after_a_stall_once_marks_come(
        self, steps: list[tuple[str, str, int]]
    ) -> None:
        line = Line([0])
        for step in steps:
            line.take(*step)

        line.take("end", "", 0)
        while line.phone.buffer:
            line.take("play", "", 100)
        line.take("play", "", 1)  # for the echoes that were on their way

        for item, total in line.sent.items():
            if item[1:] == str(line.playback.generation):
                assert line.playback.confirmed_ms(item) == total // 8
        assert not line.playback.unconfirmed
