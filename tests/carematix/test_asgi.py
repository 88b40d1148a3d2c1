"""Which sockets the application opens."""

import pytest
from channels.testing import WebsocketCommunicator

from carematix.asgi import application


@pytest.mark.django_db
class TestAWebSocketAtAnUnknownAddress:
    @pytest.mark.parametrize("path", ["/", "/ws/nothing", "/ws/media-stream/more", "/twilio/voice"])
    async def test_is_refused_without_a_traceback(self, path: str) -> None:
        accepted, _ = await WebsocketCommunicator(application, path).connect()

        assert not accepted
