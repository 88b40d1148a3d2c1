"""
The stand-in as a server: `/v1/realtime` on a real WebSocket, or in this process (`connect_in_process`).

As the vendor does, it always upgrades and refuses afterwards, with an `error` event and a closing code
(openai-realtime, sections 1.2 and 12).
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from itertools import count
from typing import Final
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from voice.standin.answers import Brain
from voice.standin.brain import ScriptedBrain
from voice.standin.clips import Recognition, clip
from voice.standin.faults import Behaviour
from voice.standin.in_process import InProcessConnection
from voice.standin.outputs import CloseSocket, DropSocket, Output, SendText, StallSocket
from voice.standin.pump import Pump
from voice.standin.realtime import RealtimeSession
from voice.standin.scenario_files import find, scenarios
from voice.standin.scenarios import Scenario
from voice.standin.schema import ClientError

PATH: Final = "/v1/realtime"
MODELS: Final = (
    "gpt-realtime-2.1",
    "gpt-realtime-2.1-mini",
    "gpt-realtime-2",
    "gpt-realtime-1.5",
    "gpt-realtime",
    "gpt-realtime-2025-08-28",
    "gpt-realtime-mini",
    "gpt-realtime-mini-2025-10-06",
    "gpt-realtime-mini-2025-12-15",
    "gpt-audio-1.5",
    "gpt-audio-mini",
    "gpt-audio-mini-2025-10-06",
    "gpt-audio-mini-2025-12-15",
)
_INVALID: Final = "invalid_request_error"
_PING_SECONDS: Final = 20
_CLOSE_SECONDS: Final = 1
_LARGEST_FRAME: Final = 16 * 2**20

BrainFactory = Callable[[], Brain]


class Refused(Exception):
    """A connection is refused after the upgrade: what the `error` event says, and the closing code."""

    def __init__(self, close_code: int, code: str | None, message: str) -> None:
        super().__init__(message)
        self.close_code = close_code
        self.error = ClientError(code, message)
        self.reason = f"{_INVALID}.{code}" if code else _INVALID


def scripted_brain(scenario_id: str = "") -> ScriptedBrain:
    """
    Return a brain over all shipped scenarios, or over the one with this id.

    Raises:
        ScenarioError: there is no such scenario.
    """
    chosen: Sequence[Scenario] = [find(scenario_id)] if scenario_id else [*scenarios().values()]
    return ScriptedBrain(chosen, _recognition())


@cache
def _recognition() -> Recognition:
    """Return what all brains of this process share: learning the lines once is enough."""
    return Recognition()


def assistant_voice(text: str) -> bytes:
    """Return a line as the assistant speaks it: mu-law, 8 kHz."""
    return clip(text, "assistant")


async def connect_in_process(
    *,
    scenario_id: str = "",
    brain: Brain | None = None,
    behaviour: Behaviour | None = None,
    model: str = "gpt-realtime-2.1",
    seed: str = "standin",
) -> InProcessConnection:
    """
    Return a connection to a stand-in of its own in this process, on the running loop's clock.

    Raises:
        ScenarioError: there is no scenario of that id.
    """
    session = RealtimeSession(
        brain=brain if brain is not None else scripted_brain(scenario_id),
        voice=assistant_voice,
        behaviour=behaviour,
        model=model,
        seed=seed,
        opened_at=_unix_time(),
    )
    return InProcessConnection(session)


class StandinServer:
    """
    Answers connections, each with a session and a brain of its own.

    `api_key`: the only key that is accepted, empty for any. `models`: the names that exist.
    """

    def __init__(
        self,
        *,
        brain: BrainFactory = scripted_brain,
        behaviour: Behaviour | None = None,
        api_key: str = "",
        models: Sequence[str] = MODELS,
        seed: str = "standin",
    ) -> None:
        self._brain = brain
        self._behaviour = behaviour or Behaviour()
        self._api_key = api_key
        self._models = models
        self._seed = seed
        self._numbers = count(1)

    @contextlib.asynccontextmanager
    async def listen(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
        """Serve inside the context, which gives the address; port 0 means any free one."""
        server: Server
        async with serve(
            self._answer,
            host,
            port,
            process_request=self._process_request,
            ping_interval=_PING_SECONDS,
            close_timeout=_CLOSE_SECONDS,
            max_size=_LARGEST_FRAME,
            compression=None,
            server_header=None,
        ) as server:
            bound_host, bound_port = next(iter(server.sockets)).getsockname()[:2]
            yield f"ws://{bound_host}:{bound_port}{PATH}"

    def _process_request(self, connection: ServerConnection, request: Request) -> Response | None:
        if urlsplit(request.path).path != PATH:
            return connection.respond(HTTPStatus.NOT_FOUND, "Not found\n")
        fault = self._behaviour.fault("refuse_upgrade")
        if fault is not None:
            status = HTTPStatus(fault.status)
            return connection.respond(status, f"{status.phrase}\n")
        return None

    async def _answer(self, connection: ServerConnection) -> None:
        request = connection.request
        if request is None:  # cannot be: the handshake is over
            return
        try:
            model = self._admit(request)
        except Refused as refusal:
            with contextlib.suppress(ConnectionClosed):
                await connection.send(_error_event(refusal.error))
            await connection.close(refusal.close_code, refusal.reason)
            return
        session = RealtimeSession(
            brain=self._brain(),
            voice=assistant_voice,
            behaviour=self._behaviour,
            model=model,
            seed=f"{self._seed}:{next(self._numbers)}",
            opened_at=_unix_time(),
        )
        await _run(connection, session)

    def _admit(self, request: Request) -> str:
        """
        Return the model that was asked for.

        Raises:
            Refused: by the vendor's checks, in the vendor's order.
        """
        headers = request.headers
        if "OpenAI-Beta" in headers:
            raise Refused(
                4000, "beta_api_shape_disabled", "The beta API shape is disabled. Use the GA shape."
            )
        scheme, _, bearer = headers.get("Authorization", "").partition(" ")
        key = bearer.strip() if scheme.casefold() == "bearer" else headers.get("api-key", "")
        if not key:
            raise Refused(3000, None, "Missing bearer or basic authentication in header")
        if self._api_key and key != self._api_key:
            raise Refused(3000, "invalid_api_key", "Incorrect API key provided.")
        model = parse_qs(urlsplit(request.path).query).get("model", [""])[0]
        if not model:
            raise Refused(4000, "missing_model", "You must provide a model parameter.")
        if model not in self._models:
            raise Refused(
                4000, "invalid_model", f"Model '{model}' is not supported in realtime mode."
            )
        return model


async def _run(connection: ServerConnection, session: RealtimeSession) -> None:
    """Carry frames between a socket and a session until one of them ends."""
    outputs: asyncio.Queue[Output] = asyncio.Queue()
    pump = Pump(session, outputs.put_nowait)
    writer = asyncio.create_task(_write(connection, outputs))
    try:
        pump.open()
        async for frame in connection:
            pump.receive(frame)
    except ConnectionClosed:
        pass  # the client is gone, however it went
    finally:
        pump.stop()
        if not session.closed:
            writer.cancel()
        with contextlib.suppress(asyncio.CancelledError, ConnectionClosed):
            await writer


async def _write(connection: ServerConnection, outputs: "asyncio.Queue[Output]") -> None:
    while True:
        match await outputs.get():
            case SendText(text=text):
                await connection.send(text)
            case CloseSocket(code=code, reason=reason):
                await connection.close(code, reason)
                return
            case DropSocket():
                connection.transport.abort()
                return
            case StallSocket():
                connection.transport.pause_reading()


def _error_event(error: ClientError) -> str:
    return json.dumps(
        {
            "type": "error",
            "event_id": "event_refused",
            "error": {
                "type": _INVALID,
                "code": error.code,
                "message": error.message,
                "param": error.param,
                "event_id": None,
            },
        }
    )


def _unix_time() -> int:
    """Return the time of day for `expires_at`; this module is the edge that reads the clock."""
    return int(datetime.now(UTC).timestamp())  # noqa: TID251 - the server is an edge
