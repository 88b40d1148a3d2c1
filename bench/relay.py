"""
What a phone call's audio costs: CPU seconds per call-minute and added latency, ours against a bare relay.

Both relays run in turn in the same minutes, alone on one core, under the same load from the other core
(`bench.peers`): 50 frames a second and call, each way. Ours does the whole of its work meanwhile: the signed webhook,
the token, the bridge with its marks, the recorder on PostgreSQL. Trust the ratios; the seconds are the machine's.
"""

import argparse
import asyncio
import os
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvloop

from bench import figures, peers, product
from tests.services import free_port

CALLS = (10, 50)
WARM_UP_SECONDS = 3.0
DRAIN_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement; latencies are seconds from one far end to the other."""

    cpu_per_call_minute: float
    memory_mib: float
    frames: int
    lost: int
    legs: tuple[float, ...]


async def measure(
    *, calls: int, seconds: float, port: int, process_id: int, model_port: int, ours: bool
) -> Run:
    """Hold `calls` calls through a relay and measure it for `seconds`."""
    both = peers.Peers()
    model = asyncio.create_task(peers.serve_model(both, model_port))
    await asyncio.sleep(0.1)
    sockets = []
    try:
        for index in range(calls):
            call_sid = "CA" + secrets.token_hex(16)
            parameters: dict[str, str] = {}
            headers: dict[str, str] = {}
            if ours:
                token = await asyncio.to_thread(peers.place_call, port, call_sid, index)
                parameters = {"token": token}
                headers = {"X-Twilio-Signature": peers.stream_signature()}
            socket = await peers.open_stream(f"ws://127.0.0.1:{port}/ws/media-stream", headers)
            sockets.append(socket)
            await both.call(socket, parameters, call_sid)
        await asyncio.sleep(WARM_UP_SECONDS)
        begin, cpu = time.monotonic(), figures.cpu_seconds(process_id)
        first = both.frames
        both.timing.measuring = True
        await asyncio.sleep(seconds)
        both.timing.measuring = False
        last = both.frames
        spent, lasted = figures.cpu_seconds(process_id) - cpu, time.monotonic() - begin
        memory = figures.memory_mib(process_id)
        if broken := both.failed():
            raise RuntimeError(f"{len(broken)} of {calls} calls broke") from broken[0]
        await asyncio.sleep(DRAIN_SECONDS)
        lost = both.lost(first, last)
    finally:
        await both.hang_up()
        await asyncio.gather(*(socket.close() for socket in sockets), return_exceptions=True)
        model.cancel()
        await asyncio.gather(model, return_exceptions=True)
    timing = both.timing
    return Run(
        cpu_per_call_minute=spent / (calls * lasted / 60),
        memory_mib=memory,
        frames=last - first,
        lost=lost,
        legs=tuple(timing.up + timing.down),
    )


@contextmanager
def bare_relay(model_url: str) -> Iterator[tuple[int, int]]:
    """Run the bare relay on the first core; yield its port and process id once it listens."""
    port = free_port()
    command = [sys.executable, "-m", "bench.bare_relay", str(port), model_url]
    process = subprocess.Popen(product.on_core(0, command), cwd=product.ROOT)
    try:
        for _ in range(100):
            if product.answers(port):
                break
            time.sleep(0.1)
        yield port, process.pid
    finally:
        process.kill()
        process.wait()


def run(*, rounds: int, seconds: float, calls: Sequence[int] = CALLS) -> dict[str, Any]:
    """Measure both relays alternately and return medians over the rounds."""
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {1})  # the load stays off the relay's core
    model_port = free_port()
    model_url = f"ws://127.0.0.1:{model_port}/v1/realtime"
    variables = product.environment(product.new_database("bench_relay"), model_url)
    product.prepare(variables)
    before = figures.calibration_seconds()
    runs: dict[tuple[int, str], list[Run]] = {}
    with bare_relay(model_url) as bare, product.server(variables) as ours:
        for _ in range(rounds):
            for number in calls:
                for name, (port, process_id) in (("bare", bare), ("ours", ours)):
                    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                        done = runner.run(
                            measure(
                                calls=number, seconds=seconds, port=port, process_id=process_id,
                                model_port=model_port, ours=name == "ours",
                            )
                        )  # fmt: skip
                    runs.setdefault((number, name), []).append(done)
    drift = figures.calibration_seconds() / before - 1
    rows = [_row(number, name, several) for (number, name), several in runs.items()]
    for row in rows:
        bare_row = next(r for r in rows if r["calls"] == row["calls"] and r["relay"] == "bare")
        row["ratio"] = row["cpu_s_per_call_min"] / bare_row["cpu_s_per_call_min"]
        for share in ("p50", "p95", "p99"):
            row[f"added_{share}_ms"] = row[f"{share}_ms"] - bare_row[f"{share}_ms"]
    void = abs(drift) > figures.VOID_ABOVE
    return {"rounds": rounds, "seconds": seconds, "drift": drift, "void": void, "rows": rows}


def _row(calls: int, name: str, runs: Sequence[Run]) -> dict[str, Any]:
    def middle(share: float) -> float:
        return statistics.median(figures.quantile(run.legs, share) for run in runs) * 1000

    return {
        "calls": calls,
        "relay": name,
        "cpu_s_per_call_min": statistics.median(run.cpu_per_call_minute for run in runs),
        "p50_ms": middle(0.50),
        "p95_ms": middle(0.95),
        "p99_ms": middle(0.99),
        "lost_frames": sum(run.lost for run in runs),
        "frames": sum(run.frames for run in runs),
        "memory_mib": max(run.memory_mib for run in runs),
    }


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench.relay", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=15.0, help="measured seconds of each run")
    options = parser.parse_args(arguments)
    found = run(rounds=options.rounds, seconds=options.seconds)
    print(figures.table(found["rows"]))
    print(f"machine's speed changed by {found['drift']:+.0%}" + (": VOID" if found["void"] else ""))
    print(f"written to {figures.write_results('relay', found)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
