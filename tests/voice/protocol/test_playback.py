"""The playback ledger, also against a simulation of Twilio's buffer that shares no code with it."""

from collections import deque
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from voice.protocol.playback import Playback


class TestPlayback:
    def test_asks_for_a_mark_after_two_hundred_milliseconds(self) -> None:
        playback = Playback()

        names = [playback.sent("item", 160, now_ms=0) for _ in range(10)]

        assert names == [""] * 9 + ["0|item|200"]

    def test_counts_by_the_clock_between_two_marks(self) -> None:
        playback = Playback()
        playback.sent("item", 1600, now_ms=0)

        assert playback.heard_ms("item", now_ms=120) == 120

    def test_never_counts_past_the_next_mark(self) -> None:
        playback = Playback()
        playback.sent("item", 1600, now_ms=0)
        playback.sent("item", 1600, now_ms=0)

        assert playback.heard_ms("item", now_ms=390) == 200

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
        assert playback.confirmed_ms("item") == 60

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


SEND = st.tuples(st.just("send"), st.sampled_from("abc"), st.integers(1, 4_000))
PLAY = st.tuples(st.just("play"), st.just(""), st.integers(1, 600))
STEPS = st.lists(
    st.one_of(
        SEND,
        SEND,
        PLAY,
        PLAY,
        st.tuples(st.just("end"), st.just(""), st.just(0)),
        st.tuples(st.just("deliver"), st.just(""), st.integers(0, 5)),
        st.tuples(st.just("clear"), st.just(""), st.just(0)),
    ),
    min_size=8,
    max_size=40,
)


class TestPlaybackAgainstAPhone:
    @settings(max_examples=300)
    @given(STEPS)
    def test_claims_no_more_than_was_sent_and_no_less_than_was_confirmed(
        self, steps: list[tuple[str, str, int]]
    ) -> None:
        playback, phone = Playback(), Phone()
        sent: dict[str, int] = {}
        confirmed: dict[str, int] = {}
        meaning: dict[str, tuple[str, int]] = {}  # what each mark measures, while it still counts
        post: deque[str] = deque()  # echoes on their way to us
        claimed: dict[str, int] = {}

        def give(name: str) -> None:
            if name:
                item = name.split("|")[1]
                meaning[name] = (item, sent[item])
                phone.buffer.append(("mark", name, 0))
                if phone.buffer[0][0] == "mark":
                    post.extend(phone.echoes())

        for step, item, amount in steps:
            match step:
                case "send":
                    if playback.open_item not in ("", item):
                        give(playback.mark_due())
                    sent[item] = sent.get(item, 0) + amount
                    phone.buffer.append(("audio", item, amount))
                    give(playback.sent(item, amount, phone.now))
                case "end":
                    give(playback.mark_due())
                case "play":
                    post.extend(name for _, name in phone.play(amount))
                case "deliver":
                    for _ in range(min(amount, len(post))):
                        name = post.popleft()
                        if name in meaning:
                            of, total = meaning.pop(name)
                            confirmed[of] = max(confirmed.get(of, 0), total)
                        playback.marked(name, phone.now)
                case "clear":
                    playback.clear(phone.now)
                    meaning.clear()
                    post.extend(name for kind, name, _ in phone.buffer if kind == "mark")
                    phone.buffer.clear()

            for of, total in sent.items():
                heard = playback.heard_ms(of, phone.now)
                assert confirmed.get(of, 0) // 8 <= heard <= total // 8
                assert claimed.get(of, 0) <= heard + 1  # what was claimed is not taken back
                claimed[of] = playback.confirmed_ms(of)

    @settings(max_examples=300)
    @given(STEPS)
    def test_is_right_to_a_stretch_when_marks_come_at_once(
        self, steps: list[tuple[str, str, int]]
    ) -> None:
        playback, phone = Playback(), Phone()
        known: set[str] = set()

        def give(name: str) -> None:
            if name:
                phone.buffer.append(("mark", name, 0))
                for mark in phone.echoes():
                    playback.marked(mark, phone.now)

        for step, item, amount in steps:
            match step:
                case "send":
                    item = f"{item}{playback.generation}"  # a cut item is not continued
                    known.add(item)
                    if playback.open_item not in ("", item):
                        give(playback.mark_due())
                    phone.buffer.append(("audio", item, amount))
                    give(playback.sent(item, amount, phone.now))
                case "end":
                    give(playback.mark_due())
                case "play":
                    for at, mark in phone.play(amount):
                        playback.marked(mark, at)
                case "clear":
                    playback.clear(phone.now)
                    phone.buffer.clear()

            for of in known:
                truth = phone.played.get(of, 0) // 8
                assert abs(playback.heard_ms(of, phone.now) - truth) <= 3
