"""
The yardstick: a bare asyncio relay with the `websockets` library, and nothing else.

    python -m bench.bare_relay PORT MODEL_URL

It checks no signature, keeps no record and knows no turns; it only passes audio on, both ways.
"""

import asyncio
import json
import sys

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

SESSION = json.dumps({"type": "session.update", "session": {"type": "realtime"}})


async def relay(caller: ServerConnection, model_url: str) -> None:
    async with connect(model_url, compression=None) as model:
        await model.send(SESSION)
        stream_sid = ""

        async def downwards() -> None:
            async for text in model:
                event = json.loads(text)
                if event["type"] == "response.output_audio.delta":
                    media = {"payload": event["delta"]}
                    message = {"event": "media", "streamSid": stream_sid, "media": media}
                    await caller.send(json.dumps(message))

        task = asyncio.create_task(downwards())
        try:
            async for text in caller:
                message = json.loads(text)
                if message["event"] == "media":
                    audio = message["media"]["payload"]
                    await model.send(
                        json.dumps({"type": "input_audio_buffer.append", "audio": audio})
                    )
                elif message["event"] == "start":
                    stream_sid = message["streamSid"]
        finally:
            task.cancel()


async def main(port: int, model_url: str) -> None:
    async with serve(lambda caller: relay(caller, model_url), "127.0.0.1", port, compression=None):
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
