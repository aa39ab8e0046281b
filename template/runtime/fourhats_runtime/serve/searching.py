"""The service of a search: `GET /search`, `POST /search` for many, `/outcomes`, and its page."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from fastapi import Form, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, Field

from fourhats_runtime.answer.journal import NotWrittenError
from fourhats_runtime.answer.records import RecordError
from fourhats_runtime.business import Business
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.project import Project
from fourhats_runtime.search.answers import Answer, Reply
from fourhats_runtime.search.asking import (
    LONGEST,
    MOST_ANSWERS,
    Narrowed,
    Text,
    see_that_they_are_filters,
)
from fourhats_runtime.search.log import Sign, searches, unjudged
from fourhats_runtime.search.questions import FEWEST, MOST_JUDGED
from fourhats_runtime.search.searcher import Searcher
from fourhats_runtime.serve.answering import Started
from fourhats_runtime.serve.app import Service
from fourhats_runtime.serve.front import NOT_LOGGED, NOT_STARTED
from fourhats_runtime.serve.messages import Handler
from fourhats_runtime.serve.page import ENVIRONMENT, SECURITY_POLICY, STYLE

MOST_QUESTIONS = 100
MOST_SHOWN = 10
"""Answers that people choose the right ones from."""
MOST_CHOICES = 30
"""Of a filter on the page."""


class Asked(Narrowed):
    """Questions that are asked at once."""

    questions: Annotated[list[Text], Field(min_length=1, max_length=MOST_QUESTIONS)]


class Seen(BaseModel, extra="forbid"):
    """What somebody made of an answer."""

    search_id: str = Field(min_length=1, max_length=300)
    document: str = Field(min_length=1, max_length=300)
    sign: Literal["click", "right", "wrong"]


class Opened(NamedTuple):
    """What answers."""

    predictor: Searcher

    def by_path(self) -> dict[str, Handler]:
        """Give nothing: FastAPI's own routes answer."""
        return {}


class SearchService(Service):
    """A FastAPI application that searches."""

    handled: ClassVar[Sequence[str]] = ()
    counted: ClassVar[str] = "/search"

    def __init__(self, project: Project, **options: Any) -> None:  # noqa: ANN401 (FastAPI's)
        """Make the application; nothing is opened yet."""
        super().__init__(project, **options)
        _add_routes(self)

    def _opened(self) -> AbstractContextManager[Started]:
        return _opened(self.project)

    def _add_page(self) -> None:
        """Leave it to a route like any other: who may not ask sees no answers on a page, either."""

    @property
    def searcher(self) -> Searcher:
        """Who answers.

        Raises:
            HTTPException: the service has not started.

        """
        if not isinstance(self.predictor, Searcher):
            raise HTTPException(503, NOT_STARTED)
        return self.predictor


@contextmanager
def _opened(project: Project) -> Iterator[Opened]:
    searcher = Searcher.of(project)
    try:
        yield Opened(searcher)
    finally:
        searcher.close()


def _add_routes(service: SearchService) -> None:
    @service.get("/search")
    def search(
        request: Request,
        q: Annotated[str, Query(min_length=1, max_length=LONGEST)],
        k: Annotated[int | None, Query(ge=1, le=MOST_ANSWERS)] = None,
        filter: Annotated[list[str] | None, Query()] = None,  # noqa: A002 (its name in the address)
    ) -> dict[str, Any]:
        """Answer one question; a filter is written `name:value`, and there may be several."""
        pairs = [each.partition(":") for each in filter or ()]
        asked = Asked(questions=[q], k=k, filters={name: value for name, _, value in pairs})
        return _told(service, request, asked)

    @service.post("/search")
    def search_many(request: Request, asked: Asked) -> dict[str, Any]:
        """Answer several questions at once."""
        return _told(service, request, asked)

    @service.post("/outcomes")
    def outcomes(
        seen: Annotated[list[Seen], Field(min_length=1, max_length=1000)],
    ) -> dict[str, int]:
        """Take in what people made of answers: a click, or a judgement; the last one counts."""
        with _said(service):
            service.searcher.take([(each.search_id, each.document, each.sign) for each in seen])
        return {"outcomes": len(seen)}

    @service.post("/label", include_in_schema=False)
    def judge(
        search_id: Annotated[str, Form(max_length=300)],
        sign: Annotated[Sign, Form()],
        back: Annotated[str, Form(pattern=r"^(label|)(\?|$)", max_length=5 * LONGEST)],
        document: Annotated[str, Form(max_length=300)] = "",
    ) -> RedirectResponse:
        """Take in what somebody says of an answer on a page, and show the page again."""
        with _said(service):
            service.searcher.take([(search_id, document, sign)])
        return RedirectResponse(f"./{back}", 303)

    @service.get("/label", response_class=HTMLResponse, include_in_schema=False)
    def label(request: Request, response: Response, skip: Annotated[int, Query(ge=0)] = 0) -> str:
        """Show a question that somebody asked and nobody judged, and its answers."""
        response.headers["Content-Security-Policy"] = SECURITY_POLICY
        return _label(service, request, skip)

    @service.get("/", response_class=HTMLResponse, include_in_schema=False)
    def page(request: Request, response: Response, q: str = "") -> str:
        """Show a field for a question, and its answers."""
        response.headers["Content-Security-Policy"] = SECURITY_POLICY
        return _page(service, request, q[:LONGEST].strip())


def _told(service: SearchService, request: Request, asked: Asked) -> dict[str, Any]:
    searched_by, replies = _ask(service, request, asked)
    name = request.state.request_id
    return {
        "model_version": searched_by,
        "results": [
            {
                "search_id": f"{name}-{place}",
                "certainty": given.certainty,
                "answers": [asdict(answer) for answer in given.answers],
            }
            for place, given in enumerate(replies)
        ],
    }


def _ask(service: SearchService, request: Request, asked: Asked) -> tuple[str, list[Reply]]:
    """Ask the champion.

    Raises:
        HTTPException: a filter is not known, there is no champion, or the log cannot be written.

    """
    try:
        see_that_they_are_filters(service.project.contract, asked.filters)
    except RecordError as error:
        raise HTTPException(422, str(error)) from None
    trial = request.headers.get("x-trial", "").lower() == "true"
    with _said(service):
        version, replies = service.searcher.search(
            request.state.request_id, asked.questions, asked.k, asked.filters, trial=trial
        )
    service.metrics.records_by(version).inc(len(replies))
    return version, replies


@contextmanager
def _said(service: SearchService) -> Iterator[None]:
    """Say in a line why nothing is answered."""
    try:
        yield
    except NotWrittenError as error:
        service.metrics.log_failures.inc()
        raise HTTPException(503, NOT_LOGGED.format(error)) from None
    except ProjectError as error:
        raise HTTPException(503, str(error)) from None


def _page(service: SearchService, request: Request, question: str) -> str:
    filters = _choices(service)
    given = {name: request.query_params.get(name, "") for name in filters}
    reply, error = None, ""
    if question:
        chosen = {name: value for name, value in given.items() if value}
        try:
            _, (reply,) = _ask(service, request, Asked(questions=[question], filters=chosen))
        except HTTPException as refused:
            error = str(refused.detail)
    return ENVIRONMENT.get_template("search.html").render(
        style=STYLE,
        business=service.project.settings(Business),
        version=service.searcher.version,
        question=question,
        filters=filters,
        given=given,
        reply=reply,
        error=error,
        search_id=f"{request.state.request_id}-0",
        back=f"?{request.url.query}",
        longest=LONGEST,
    )


def _label(service: SearchService, request: Request, skip: int) -> str:
    answers: Sequence[Answer] = ()
    error = ""
    with _said(service):
        found = searches(service.project, MOST_JUDGED)
    left = unjudged(found)
    asked = left[skip] if skip < len(left) else None
    if asked is not None:
        try:
            answers = service.searcher.shown(asked.question, MOST_SHOWN)
        except ProjectError as refused:
            error = str(refused)
    return ENVIRONMENT.get_template("label.html").render(
        style=STYLE,
        business=service.project.settings(Business),
        version=service.searcher.version,
        judged=len({each.question for each in found}) - len(left),
        least=FEWEST,
        asked=asked,
        answers=answers,
        error=error,
        skip=skip,
        search_id=asked.id if asked else "",
        back=f"label?{request.url.query}",
    )


def _choices(service: SearchService) -> Mapping[str, list[str]]:
    """Give the values of each filter; those with many are left to the address."""
    loaded = service.searcher.loaded
    if loaded is None:
        return {}
    found = {
        column.name: sorted({doc.filters.get(column.name, "") for doc in loaded.documents.all})
        for column in loaded.contract.filters
    }
    return {
        name: [value for value in values if value]
        for name, values in found.items()
        if len(values) <= MOST_CHOICES
    }
