"""A steady load on a service: so many requests a second, and every answer is looked at."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Answer = dict[str, Any]
CONNECTIONS = 8
PATIENCE_SECONDS = 30.0
TRY_AGAIN = (429, 503)


@dataclass
class SteadyLoad:
    """POSTs one record after the other to `/predict`, and keeps what became of the requests.

    `is_right` is told a record's place and the answer. A 429 or 503 is obeyed: the request is sent
    again after `Retry-After`. Where a connection ends before the answer, a new one is made, and the
    request is not repeated.
    """

    port: int
    records: Sequence[Mapping[str, Any]]
    is_right: Callable[[int, Answer], bool]
    headers: Mapping[str, str] = field(default_factory=dict)
    answered: int = 0
    put_off: int = 0
    """Answers that asked to try again, which was done."""
    broken: int = 0
    """Connections that ended before the answer."""
    wrong: list[str] = field(default_factory=list)
    versions: set[str] = field(default_factory=set)
    request_ids: set[str] = field(default_factory=set)
    """Of what was answered."""

    def bear(self, rate: float, seconds: float) -> float:
        """Send `rate` requests a second for so many seconds; gives the rate that came about."""
        places = iter(range(int(rate * seconds)))
        started = time.monotonic()

        async def all_of_them() -> None:
            await asyncio.gather(*(self._ask(places, started, rate) for _ in range(CONNECTIONS)))

        before = self.answered
        asyncio.run(all_of_them())
        return (self.answered - before) / (time.monotonic() - started)

    async def _ask(self, places: Iterator[int], started: float, rate: float) -> None:
        line = None
        for place in places:
            if (wait := started + place / rate - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            again: float | None = 0.0
            while again is not None:
                await asyncio.sleep(again)
                try:
                    line = line or await asyncio.open_connection("127.0.0.1", self.port)
                    again = await self._answer(*line, place % len(self.records))
                except (OSError, EOFError):
                    self.broken += 1
                    line = again = None
        if line is not None:
            line[1].close()
            await line[1].wait_closed()

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, place: int
    ) -> float | None:
        """Ask once; gives the seconds after which to ask again, None where that is not needed."""
        writer.write(self._request(place))
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_SECONDS)
        first, *lines = head.decode().split("\r\n")
        told = dict(line.lower().split(": ", 1) for line in lines if line)
        body = await reader.readexactly(int(told["content-length"]))
        status = int(first.split()[1])
        if status in TRY_AGAIN:
            self.put_off += 1
            return float(told["retry-after"])
        answer = json.loads(body)
        if status != 200 or not self.is_right(place, answer):
            self.wrong.append(f"{status} {body[:300]!r}")
        else:
            self.answered += 1
            self.versions.add(answer["model_version"])
            self.request_ids.add(answer["request_id"])
        return None

    def _request(self, place: int) -> bytes:
        body = json.dumps([self.records[place]]).encode()
        lines = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        head = f"POST /predict HTTP/1.1\r\nHost: load\r\n{lines}Content-Length: {len(body)}"
        return f"{head}\r\n\r\n".encode() + body
