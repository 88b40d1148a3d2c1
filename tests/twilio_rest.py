"""
Twilio's REST API as far as we use it, on a loopback port: every request is held to Twilio's own specification.

`twilio_rest_schema.json` has the names, types and bounds of the requests, from the specification that Twilio
publishes; it says which commit. What the specification leaves open (bad numbers, refusals, lost answers) follows
Twilio's documentation: a test chooses it for a number with `answer`.
"""

import base64
import json
import re
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

SCHEMA = json.loads(Path(__file__).with_name("twilio_rest_schema.json").read_text(encoding="utf-8"))
PHONE = re.compile(r"\+[1-9]\d{6,14}")
PATH = re.compile(r"/2010-04-01/Accounts/(AC[0-9a-fA-F]{32})/(Messages\.json|Calls\.json)")
CALL = re.compile(r"/2010-04-01/Accounts/(AC[0-9a-fA-F]{32})/Calls/(CA[0-9a-fA-F]{32})\.json")
NUMBERS = {"integer": int, "number": float}


def violations(resource: str, fields: Mapping[str, list[str]]) -> list[str]:
    """Return what of a form the specification does not allow, by name of the field."""
    known = SCHEMA["requests"][resource]
    found = [f"{name} is missing" for name in known["required"] if name not in fields]
    for name, values in fields.items():
        fact = known["fields"].get(name)
        if fact is None:
            found.append(f"{name} is unknown")
        elif len(values) > 1 and fact["type"] != "array":
            found.append(f"{name} is repeated")
        else:
            found += [
                f"{name} is odd" for value in values if not _fits(value, fact.get("items", fact))
            ]
    return found


def _fits(value: str, fact: Mapping[str, Any]) -> bool:
    kind, form = fact["type"], fact.get("format")
    if kind in NUMBERS:
        try:
            NUMBERS[kind](value)
        except ValueError:
            return False
    parts = urlsplit(value)
    return (
        (kind != "boolean" or value.lower() in {"true", "false"})
        and ("enum" not in fact or value in fact["enum"])
        and (re.search(fact.get("pattern", ""), value) is not None)
        and fact.get("minLength", 0) <= len(value) <= fact.get("maxLength", len(value))
        and (form != "uri" or (parts.scheme in {"http", "https"} and bool(parts.hostname)))
        and (form not in {"phone-number", "endpoint"} or PHONE.fullmatch(value) is not None)
    )


class TwilioRest:
    """A server that takes messages and calls, remembers each one it accepted, and counts violations."""

    def __init__(self) -> None:
        self.accepted: list[dict[str, str]] = []
        self.violations: list[str] = []
        self.calls: dict[str, str] = {}
        """The states of the calls that one may ask about, by their ids."""
        self.requests = 0
        self.answer: Callable[[str], int | str | None] = lambda number: None
        """What becomes of a request to a number: None accepts; a status and code such as "400 21610" refuses; "lost"
        accepts and then says nothing."""
        self.arrived = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def recipients(self) -> Counter[str]:
        """Return how often each number was written to."""
        with self._lock:
            return Counter(fields["To"] for fields in self.accepted)

    def take(self, resource: str, account: str, form: dict[str, list[str]]) -> tuple[int, Any]:
        """Return status and body of the answer to a form."""
        wrong = violations(resource, form)
        with self._lock:
            self.requests += 1
            self.violations += wrong
        if wrong:
            return 400, _refusal(400, 20001)
        fields = {name: values[-1] for name, values in form.items()}
        chosen = self.answer(fields["To"])
        if chosen is not None and chosen != "lost":
            status, _, code = str(chosen).partition(" ")
            return int(status), _refusal(int(status), int(code or 0))
        with self._lock:
            self.accepted.append(fields)
        self.arrived.release()
        return (0 if chosen == "lost" else 201), _message(account, fields)


def _refusal(status: int, code: int) -> dict[str, Any]:
    return {"code": code or status, "message": "Refused.", "more_info": "", "status": status}


def _message(account: str, fields: Mapping[str, str]) -> dict[str, Any]:
    """Return Twilio's answer to an accepted text: every field of the specification, most of them still empty."""
    answer: dict[str, Any] = dict.fromkeys(SCHEMA["answers"]["Messages.json"])
    service = fields.get("MessagingServiceSid")
    return answer | {
        "account_sid": account,
        "api_version": "2010-04-01",
        "body": fields.get("Body"),
        "direction": "outbound-api",
        "from": fields.get("From"),
        "messaging_service_sid": service,
        "num_segments": "0" if service else "1",
        "sid": "SM" + secrets.token_hex(16),
        "status": "accepted" if service else "queued",
        "to": fields["To"],
    }


def _handler_for(rest: TwilioRest) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found = PATH.fullmatch(self.path)
            length = int(self.headers.get("Content-Length", "0"))
            body = self.rfile.read(length)
            if len(body) < length:  # the sender died in the middle: this is no request
                self.close_connection = True
                return
            if found is None:
                self._respond(404, _refusal(404, 20404))
                return
            if not self._authorized(found[1]):
                self._respond(401, _refusal(401, 20003))
                return
            form = parse_qs(body.decode(), keep_blank_values=True)
            status, answer = rest.take(found[2], found[1], form)
            if status:
                self._respond(status, answer)
            else:
                self.close_connection = True

        def do_GET(self) -> None:
            found = CALL.fullmatch(self.path)
            if found is None or found[2] not in rest.calls:
                self._respond(404, _refusal(404, 20404))
            elif not self._authorized(found[1]):
                self._respond(401, _refusal(401, 20003))
            else:
                self._respond(200, {"sid": found[2], "status": rest.calls[found[2]]})

        def _authorized(self, account: str) -> bool:
            kind, _, encoded = self.headers.get("Authorization", "").partition(" ")
            user, _, password = base64.b64decode(encoded).decode().partition(":")
            return kind == "Basic" and user == account and bool(password)

        def _respond(self, status: int, answer: Any) -> None:
            sent = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            return

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:  # a worker was killed in the middle of a request
                return

    return Handler
