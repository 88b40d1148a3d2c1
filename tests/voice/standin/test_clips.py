"""The voices of the stand-ins: recordings, joined pieces and babble, and how lines are recognised by their bytes."""

import pytest

from voice.standin.clips import (
    FOLDER,
    SILENCE,
    Recognition,
    Voice,
    clip,
    duration_ms,
    fingerprint,
    is_recorded,
    manifest,
    speech_begins,
    words_heard,
)
from voice.standin.listening import InputBuffer, SpeechStarted, SpeechStopped
from voice.standin.scenario_files import scenarios

DETECTOR = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 500,
}
CALLER_LINES = sorted({line for each in scenarios().values() for line in each.caller_lines})
READ_BACK = (
    "To confirm: a routine visit with Tom Blake on Tuesday, March tenth, at eight in the morning."
    " Shall I book it?"
)


class TestClip:
    def test_ships_real_recordings_for_every_line_of_the_demo(self) -> None:
        lines = scenarios()["book_visit"].caller_lines

        assert all(is_recorded(line, "caller") for line in lines)
        assert is_recorded("Thanks for calling, goodbye.", "assistant")

    def test_joins_a_line_that_differs_from_call_to_call_from_recorded_pieces(self) -> None:
        audio = clip(READ_BACK, "assistant")

        assert is_recorded(READ_BACK, "assistant")
        assert audio.startswith(clip("To confirm: a routine visit with", "assistant"))
        assert 5_000 < duration_ms(audio) < 12_000

    def test_babbles_the_same_for_the_same_unrecorded_line(self) -> None:
        line = "Nobody has recorded this line."

        assert not is_recorded(line, "caller")
        assert clip(line, "caller") == clip(line, "caller")
        assert clip(line, "caller") != clip(line, "assistant")
        assert duration_ms(clip(line, "caller")) == pytest.approx(60 * len(line), abs=20)

    def test_lists_only_files_that_are_there_and_stay_under_three_megabytes(self) -> None:
        names = {name for voice in manifest().values() for name in voice.values()}

        assert names == {path.name for path in FOLDER.glob("*.ulaw")}
        assert sum((FOLDER / name).stat().st_size for name in names) < 3_000_000

    @pytest.mark.parametrize("line", CALLER_LINES)
    def test_is_one_turn_to_the_voice_detector_and_is_recognised_from_it(self, line: str) -> None:
        recognition = Recognition()
        recognition.learn(CALLER_LINES, "caller")
        buffer = InputBuffer("audio/pcmu")
        audio = SILENCE * 16_000 + clip(line, "caller") + SILENCE * 8_000

        noticed = [
            event
            for start in range(0, len(audio), 160)
            for event in buffer.append(audio[start : start + 160], DETECTOR)
        ]

        assert [type(event) for event in noticed] == [SpeechStarted, SpeechStopped]
        turn = noticed[1]
        assert isinstance(turn, SpeechStopped)
        assert recognition.text_of(turn.audio)[0] == line


class TestFingerprint:
    def test_does_not_depend_on_silence_before_the_line_or_on_what_follows(self) -> None:
        audio = clip("Hello, is anybody there?", "caller")

        assert fingerprint(SILENCE * 777 + audio + b"\x00" * 99) == fingerprint(audio)

    def test_of_silence_is_empty(self) -> None:
        assert fingerprint(SILENCE * 5000) == ""
        assert speech_begins(SILENCE * 5000) == -1


class TestRecognition:
    def test_tells_lines_apart_that_begin_with_the_same_recording(self) -> None:
        other = READ_BACK.replace("eight", "nine")
        recognition = Recognition()
        recognition.learn([READ_BACK, other], "assistant")

        assert recognition.text_of(clip(other, "assistant"))[0] == other
        assert recognition.text_of(clip(READ_BACK, "assistant"))[0] == READ_BACK

    def test_knows_a_line_that_was_cut_off(self) -> None:
        line = "This sentence is never heard to its end."
        recognition = Recognition()
        recognition.learn([line], "assistant")

        text, length = recognition.text_of(clip(line, "assistant")[:9_000])

        assert (text, length > 9_000) == (line, True)

    def test_is_deaf_to_what_it_has_not_learned(self) -> None:
        assert Recognition().text_of(clip("Something unknown.", "caller")) == ("", 0)

    @pytest.mark.parametrize("voice", ["assistant", "caller"])
    def test_follows_what_this_process_makes_only_in_the_voice_it_follows(
        self, voice: Voice
    ) -> None:
        audio = clip(f"Made just now by the {voice}.", voice)

        known = Recognition("assistant").text_of(audio)[0]

        assert known == ("Made just now by the assistant." if voice == "assistant" else "")


class TestWordsHeard:
    def test_keeps_the_words_that_were_played_to_their_end(self) -> None:
        assert words_heard("one two three four", 1.0) == "one two three four"
        assert words_heard("one two three four", 0.5) == "one two"
        assert words_heard("one two three four", 0.0) == ""
