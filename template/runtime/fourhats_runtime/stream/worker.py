"""The worker's loop: read, answer, settle; what is not settled comes again."""

import logging
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from threading import Event
from typing import Any, Protocol

from fourhats_runtime.answer import log
from fourhats_runtime.answer.champion import NO_MODEL, REFRESH_SECONDS, Champion
from fourhats_runtime.answer.journal import Journal, NotWrittenError
from fourhats_runtime.answer.predictor import Predictor
from fourhats_runtime.data.extras import needs
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.project import Project
from fourhats_runtime.stream import messages, replies
from fourhats_runtime.stream.messages import AwayError
from fourhats_runtime.stream.metrics import Metrics, served
from fourhats_runtime.stream.table import Stream

SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 10.0

Reply = Callable[[Any, Any, Sequence[messages.Message]], list[messages.Reply]]
"""Of who answers, what is loaded, and messages: a reply to each."""

logger = logging.getLogger(__name__)


class Kind(Protocol):
    """A kind of broker: a module of this room."""

    def table(self, project: Project, /) -> Stream:
        """Read the table of the stream."""

    def connect(self, project: Project, /) -> messages.Broker:
        """Join the group of workers."""


class NoChampionError(Exception):
    """Nobody can answer yet."""


def run(project: Project) -> None:
    """Answer until SIGTERM, then settle the batch in hand and leave.

    Raises:
        ProjectError: the broker refuses, or cannot be reached to begin with.

    """
    kind = _kind(project)
    stream = kind.table(project)
    names = stream.input, stream.output, stream.dead_letters
    if len(set(names)) < len(names):
        raise ProjectError("config/stream.toml: input, output and dead_letters have to differ")
    broker = kind.connect(project)
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    log.start()
    logging.getLogger(__package__).setLevel(logging.INFO)
    answerer, reply = _answerer(project)
    metrics = Metrics(broker.lag)
    try:
        with served(metrics, stream.metrics_host, stream.metrics_port) as port:
            logger.info("reading %s, figures on port %s", stream.input, port)
            Worker(answerer, broker, metrics, reply).run(stop)
    finally:
        broker.close()
        answerer.close()
    logger.info("ended")


def _kind(project: Project) -> Kind:
    """Import the broker's module.

    Raises:
        ProjectError: the broker's extra is not installed.

    """
    with needs(project.broker):
        if project.broker == "kafka":
            from fourhats_runtime.stream import kafka  # noqa: PLC0415

            return kafka
        from fourhats_runtime.stream import redis  # noqa: PLC0415

        return redis


def _answerer(project: Project) -> tuple[Champion[Any], Reply]:
    if project.task == "search":
        from fourhats_runtime.search.searcher import Searcher  # noqa: PLC0415 (with its extra)
        from fourhats_runtime.stream import search_replies  # noqa: PLC0415

        return Searcher.of(project), search_replies.reply
    return Predictor(project, Journal.of(project, "predictions")), replies.reply


class Worker:
    """Answers the messages of a broker, a batch at a time."""

    def __init__(
        self,
        answerer: Champion[Any],
        broker: messages.Broker,
        metrics: Metrics,
        reply: Reply = replies.reply,
    ) -> None:
        """Answer by the champion that `answerer` has, as `reply` makes answers of messages."""
        self._answerer = answerer
        self._broker = broker
        self._metrics = metrics
        self._reply = reply
        self._refreshed_at = time.monotonic()

    def run(self, stop: Event) -> None:
        """Answer until told to stop; what passes by itself is waited for."""
        pause = SHORTEST_PAUSE
        while not stop.is_set():
            try:
                self.step()
            except (AwayError, NotWrittenError, NoChampionError) as error:
                self._note(str(error))
                stop.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                self._note("")
                pause = SHORTEST_PAUSE

    def step(self) -> None:
        """Read a batch and settle it.

        Raises:
            AwayError: the broker cannot be reached.
            NoChampionError: no model is there yet.
            NotWrittenError: the prediction log cannot be written.

        """
        self._refresh()
        loaded, version = self._answerer.loaded, self._answerer.version
        if version is None:
            raise NoChampionError(NO_MODEL)
        self._metrics.champion.info({"model_version": version})
        batch = self._broker.read()
        if not batch:
            return
        started = time.perf_counter()
        settled = self._reply(self._answerer, loaded, batch)
        outcomes = self._broker.settle(settled)
        seconds = time.perf_counter() - started
        self._metrics.settled(settled, outcomes, seconds)
        facts: dict[str, object] = {"messages": len(batch), **Counter(outcomes)}
        facts["ms"] = round(seconds * 1e3, 3)
        logger.info("settled", extra={"facts": facts})

    def _refresh(self) -> None:
        """Look for a new champion; a broken one is logged, and the old one goes on answering."""
        if time.monotonic() < self._refreshed_at + REFRESH_SECONDS:
            return
        self._refreshed_at = time.monotonic()
        try:
            self._answerer.refresh()
        except Exception:
            logger.exception("the new champion cannot be loaded")

    def _note(self, fault: str) -> None:
        if fault and fault != self._metrics.fault:
            logger.warning("waiting: %s", fault)
        elif self._metrics.fault and not fault:
            logger.info("going on")
        self._metrics.step(fault)
