"""What is written to a connection leaves at once and in order, and never after its end."""

import asyncio
from collections.abc import Callable

from fourhats_runtime.serve.protocol import JoinedWrites


class Sent(asyncio.Transport):
    """Keeps what is sent."""

    def __init__(self) -> None:
        """Begin with nothing."""
        super().__init__()
        self.parts: list[bytes] = []
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep a part."""
        self.parts.append(bytes(data))

    def is_closing(self) -> bool:
        """Tell whether it is closed."""
        return self.closed

    def close(self) -> None:
        """Take nothing more."""
        self.closed = True


def sent(use: Callable[[JoinedWrites, Sent], object]) -> Sent:
    async def run() -> Sent:
        transport = Sent()
        use(JoinedWrites(transport, asyncio.get_running_loop()), transport)
        await asyncio.sleep(0)
        return transport

    return asyncio.run(run())


def test_head_and_body_leave_at_once() -> None:
    def answer(joined: JoinedWrites, _: Sent) -> None:
        joined.write(b"head")
        joined.write(b"body")

    transport = sent(answer)
    assert transport.parts == [b"headbody"]
    assert not transport.closed


def test_what_was_written_before_the_end_is_sent() -> None:
    def answer_and_close(joined: JoinedWrites, _: Sent) -> None:
        joined.write(b"answer")
        joined.close()

    transport = sent(answer_and_close)
    assert transport.parts == [b"answer"]
    assert transport.closed


def test_nothing_is_sent_to_a_caller_who_is_gone() -> None:
    def answer_nobody(joined: JoinedWrites, transport: Sent) -> None:
        joined.write(b"answer")
        transport.close()

    assert sent(answer_nobody).parts == []
