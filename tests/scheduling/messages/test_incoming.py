"""What texts are read as: only words alone and clear sentences refuse, in English and Spanish."""

import pytest

from scheduling.messages.incoming import Meaning, read

ALONE = [
    "STOP", "stop.", " Stop! ", "STOPALL", "Unsubscribe", "cancel", "END", "quit", "Revoke", "OPTOUT", "opt-out",
    "ALTO", "¡Basta!", "baja", "No más", "cancelar",
]  # fmt: skip
CLEAR = [
    "Stop texting me", "please stop texting me!", "STOP TEXTING", "Please stop", "stop please", "stop it",
    "Hi, this is Ann. Please stop sending me messages.", "stop all messages", "stop the reminders",
    "Don't text me again", "Do not text me", "please do not contact me anymore", "never text this number",
    "Do not send me any more reminders", "I don't want any more texts", "I do not want to receive your messages",
    "No more texts", "please no more messages", "I want no more texts", "How do I unsubscribe?", "unsubscribe me",
    "I want to opt out", "opt me out", "opt out of these texts", "take me off your list", "Remove me",
    "remove my number from your texting list", "Leave me alone", "If you don't stop texting me I will complain",
    "Dejen de enviarme mensajes", "por favor deje de escribirme", "paren de mandar mensajes",
    "no me escriban más", "No me manden mensajes", "ya no me envíen más recordatorios", "no me manden nada",
    "no quiero recibir textos", "No quiero más mensajes", "no quiero que me manden mensajes",
    "no más mensajes", "quiero dejar de recibir sus mensajes", "quiero darme de baja", "denme de baja",
    "dame de baja de estos mensajes", "quítenme de la lista", "déjenme en paz", "basta por favor",
]  # fmt: skip
CALLS = [
    "Stop calling me", "do not call me", "Please don't call me again", "no more calls", "stop all calls",
    "no me llamen más", "No me llamen", "dejen de llamarme", "no quiero llamadas", "no más llamadas",
]  # fmt: skip
DOUBTFUL = [
    "Do not stop texting me", "please don't stop sending reminders", "Why did you stop texting me?",
    "I never asked you to stop my reminders", "I did not unsubscribe", "did you remove my number?",
    "Don't text me after 9pm", "please do not call me before noon", "Do not text me at work",
    "don't call me tomorrow", "You never text me back", "why don't you call me",
    "I get too many texts from you", "tired of these messages",
    "take me off the waiting list", "please cancel", "cancelar por favor",
    "no dejen de enviarme mensajes", "no me llamen antes de las 8", "no me escriban de noche",
    "No me manden otra enfermera", "quítenme de la lista de espera", "no quiero perder mis mensajes",
]  # fmt: skip
UNRELATED = [
    "I did not send a message", "I did not get your message", "Can you stop by at 5?", "estoy de baja",
    "Estuve de baja por enfermedad", "me dieron de baja en el hospital", "I will end the visit early",
    "I cannot quit smoking", "no envié el mensaje", "el doctor me dio de alta", "don't forget my text",
    "I don't want to miss my visit", "Please don't be late", "quítenme el yeso",
    "my message did not arrive", "the bus stop is closed", "No puedo mañana", "the pain does not stop",
    "nobody called me", "no me llamaron", "por qué no me envían la receta",
]  # fmt: skip


class TestRead:
    @pytest.mark.parametrize("body", ALONE)
    def test_takes_a_word_alone_for_the_carriers(self, body: str) -> None:
        reading = read(body)

        assert (reading.meaning, reading.sentence) == (Meaning.STOP, False)

    @pytest.mark.parametrize("body", CLEAR)
    def test_takes_a_clear_sentence_for_the_end_of_texts(self, body: str) -> None:
        reading = read(body)

        assert (reading.meaning, reading.sentence) == (Meaning.STOP, True)

    @pytest.mark.parametrize("body", CALLS)
    def test_takes_a_clear_sentence_about_calls_for_their_end(self, body: str) -> None:
        assert read(body).meaning == Meaning.STOP_CALLS

    @pytest.mark.parametrize("body", DOUBTFUL)
    def test_leaves_to_people_what_may_be_a_refusal(self, body: str) -> None:
        reading = read(body)

        assert (reading.meaning, reading.may_refuse) == (Meaning.OTHER, True)

    @pytest.mark.parametrize("body", UNRELATED)
    def test_sees_no_refusal_in_other_sentences(self, body: str) -> None:
        reading = read(body)

        assert (reading.meaning, reading.may_refuse) == (Meaning.OTHER, False)

    def test_follows_the_carriers_word_over_its_own(self) -> None:
        assert read("estoy de baja", opt_out_type="STOP").meaning == Meaning.STOP

    @pytest.mark.parametrize("body", ["", "?", "stop " * 400, "no " * 600, "don't " * 300])
    def test_comes_to_an_end_with_odd_texts(self, body: str) -> None:
        assert read(body).meaning in Meaning
