"""Requests that have come at the same moment are answered together.

Most of what an answer costs is the same for one record as for ten. Nobody waits for anybody: what
has come by the end of this turn of the event loop is answered in the next.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from fourhats_runtime.serve.messages import Answer, Asked

MOST_BYTES = 32 * 1024
"""Of bodies that are answered together: other requests wait no longer than for one such body."""


class Together:
    """Gathers requests, and answers those of a moment by one call."""

    def __init__(self, answer_all: Callable[[Sequence[Asked]], list[Answer | Exception]]) -> None:
        """Answer by `answer_all`, which gives an answer, or an error to raise, for each."""
        self._answer_all = answer_all
        self._waiting: deque[tuple[Asked, asyncio.Future[Answer]]] = deque()

    async def answer(self, asked: Asked) -> Answer:
        """Answer a request, with all others that are there."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._answer_some, loop)
        future: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((asked, future))
        return await future

    def _answer_some(self, loop: asyncio.AbstractEventLoop) -> None:
        some = [self._waiting.popleft()]
        size = len(some[0][0].body)
        while self._waiting and (size := size + len(self._waiting[0][0].body)) <= MOST_BYTES:
            some.append(self._waiting.popleft())
        if self._waiting:
            loop.call_soon(self._answer_some, loop)
        try:
            answers = self._answer_all([asked for asked, _ in some])
        except Exception as error:  # noqa: BLE001 (who asked raises it)
            answers = [error] * len(some)
        for (_, future), answer in zip(some, answers, strict=True):
            if future.cancelled():
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)
