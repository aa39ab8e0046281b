"""The pages of a REST API: signed in, slowed down where it asks for it, repeated where it fails.

No secret is ever part of an error: texts name the setting that holds it.
"""

import base64
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote_plus

import httpx2
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt
from tenacity.wait import wait_exponential_jitter

from fourhats_runtime.data.sources.kinds import RestApi, RestApiSection
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.project import Project

ATTEMPTS = 5
PASSING = {408, 425, 429, 500, 502, 503, 504}
"""Answers that may be others in a moment."""
REFUSED = {401, 403}
PAST_THE_END = 404

Page = list[dict[str, Any]]


class PassingError(Exception):
    """A failure that may be gone in a moment, and how many seconds to wait, if the API says so."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        """Keep the reason in words."""
        super().__init__(reason)
        self.wait = wait


def pages(project: Project, source: RestApi, since: str | None) -> Iterator[Page]:
    """Give the records of each page; with `since`, those that changed then or later.

    Raises:
        ProjectError: the API can't be reached, refuses, or does not answer what the settings say.

    """
    api, name = source.section(project), source.name
    url = _address(api.url, name, "url")
    if api.cursor and not api.since_parameter:
        raise ProjectError(
            f"{name}.cursor is set, but {name}.since_parameter is not: name the parameter that "
            "asks the API for what changed since, or empty the cursor"
        )
    if since is not None:
        url = url.copy_merge_params({api.since_parameter: since})
    if api.size_parameter:
        url = url.copy_merge_params({api.size_parameter: api.page_size})
    with httpx2.Client(auth=_auth(project, source), timeout=api.timeout) as client:
        yield from _Pages(client, api, name, url).walk()


@dataclass(frozen=True)
class _Pages:
    """The pages from an address on; `name` is the table of the settings."""

    client: httpx2.Client
    api: RestApiSection
    name: str
    url: httpx2.URL

    def walk(self) -> Iterator[Page]:
        """Go from page to page until there is none."""
        api, url = self.api, self.url
        place = api.first_page if api.pagination == "page" else 0
        here = url
        if api.pagination in {"page", "offset"}:
            here = url.copy_merge_params({api.page_parameter: place})
        asked: set[httpx2.URL] = set()
        last: Page = []
        while True:
            if len(asked) == api.max_pages:
                raise ProjectError(
                    f"REST API: more than {api.max_pages:,} pages; if there are, raise "
                    f"{self.name}.max_pages, else mend the pagination ({self.name}.pagination)"
                )
            asked.add(here)
            response = self._get(here)
            if response.status_code == PAST_THE_END and last:
                return
            body = self._body(response)
            page = self._records(body)
            yield page
            if api.pagination in {"page", "offset"}:
                if not page:
                    return
                place += len(page) if api.pagination == "offset" else 1
                here = url.copy_merge_params({api.page_parameter: place})
                again = page == last
            else:
                found = self._next(response, body)
                if found is None:
                    return
                here, again = found, found in asked
            if again:
                raise ProjectError(
                    "REST API: the same page comes again and again "
                    f"({self.name}.pagination, {self.name}.page_parameter)"
                )
            last = page

    def _next(self, response: httpx2.Response, body: object) -> httpx2.URL | None:
        """Find the address of the next page: behind a link, or by a token."""
        api, url = self.api, self.url
        in_header = response.links.get("next", {}).get("url")
        token = _at(body, api.next_path) if api.next_path else in_header
        if not isinstance(token, str | int) or token in {"", False}:
            return None
        if api.pagination == "cursor":
            return url.copy_merge_params({api.page_parameter: token})
        link = response.url.join(str(token))
        if link.host != url.host:
            raise ProjectError(
                f"REST API: the next page is said to be on another host, {link.host}, which is not "
                f"given the credentials ({self.name}.url)"
            )
        # What stands behind a proxy errs here.
        return link.copy_with(scheme=url.scheme, port=url.port)

    def _get(self, url: httpx2.URL) -> httpx2.Response:
        """Ask for a page, again if it fails in a way that may pass; give an answer that stays."""
        longest = self.api.max_wait
        backoff = wait_exponential_jitter(multiplier=0.5, max=30)

        def wait(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            said = error.wait if isinstance(error, PassingError) else None
            return backoff(state) if said is None else said

        def again(error: BaseException) -> bool:
            return isinstance(error, PassingError) and (error.wait or 0) <= longest

        retrying = Retrying(
            retry=retry_if_exception(again),
            wait=wait,
            stop=stop_after_attempt(ATTEMPTS),
            reraise=True,
        )
        try:
            return retrying(self._ask, url)
        except PassingError as error:
            asked = error.wait or 0
            patience = f" and asks to wait {asked:,.0f} s ({self.name}.max_wait)"
            more = patience if asked > longest else f", {ATTEMPTS} times ({self.name}.url)"
            raise ProjectError(f"REST API: {error}{more}") from None

    def _ask(self, url: httpx2.URL) -> httpx2.Response:
        try:
            response = self.client.get(url)
        except (httpx2.TimeoutException, httpx2.NetworkError, httpx2.RemoteProtocolError) as error:
            raise PassingError(f"no answer from {url.host}: {self._in_words(error)}") from None
        except httpx2.HTTPError as error:
            raise ProjectError(
                f"REST API: {url.host} can't be asked: {type(error).__name__} ({self.name}.url)"
            ) from None
        status = f"{response.status_code} {response.reason_phrase}"
        if response.status_code in PASSING:
            raise PassingError(f"{url.host} answers {status}", _retry_after(response))
        if response.status_code in REFUSED:
            raise ProjectError(
                f"REST API: {url.host} refuses the credentials with {status} "
                f"({self.name}.auth, and the secrets it names)"
            )
        if response.is_redirect:
            host = response.url.join(response.headers.get("Location", "")).host
            raise ProjectError(
                f"REST API: has moved to another address, on {host}; set the new one "
                f"({self.name}.url)"
            )
        return response

    def _in_words(self, error: httpx2.TransportError) -> str:
        if isinstance(error, httpx2.TimeoutException):
            return f"it takes too long ({self.name}.timeout)"
        return str(error).splitlines()[0] if str(error) else type(error).__name__

    def _body(self, response: httpx2.Response) -> object:
        if not response.is_success:
            raise ProjectError(
                f"REST API: {response.url.host} answers {response.status_code} "
                f"{response.reason_phrase} ({self.name}.url)"
            )
        try:
            return response.json()
        except ValueError:
            raise ProjectError(f"REST API: the answer is no JSON ({self.name}.url)") from None

    def _records(self, body: object) -> Page:
        """Find the list of records in an answer."""
        path, setting = self.api.records, f"{self.name}.records"
        found = _at(body, path) if path else body
        if not isinstance(found, list):
            where = f'"{path}" of the answer' if path else "the answer"
            has = f"; it has {', '.join(sorted(body))}" if isinstance(body, dict) else ""
            raise ProjectError(f"REST API: {where} is no list{has} ({setting})")
        if not all(isinstance(record, dict) for record in found):
            raise ProjectError(f"REST API: a record is no JSON object ({setting})")
        return found


def _retry_after(response: httpx2.Response) -> float | None:
    """Read how long to wait: seconds, or a date."""
    text = response.headers.get("Retry-After", "")
    with suppress(ValueError):
        return max(0.0, float(text))
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment.replace(tzinfo=moment.tzinfo or UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _at(body: object, path: str) -> object:
    """Give what stands at a path such as `data.items`, None where nothing does."""
    for key in path.split("."):
        body = body.get(key) if isinstance(body, dict) else None
    return body


def _address(text: str, name: str, key: str) -> httpx2.URL:
    try:
        url = httpx2.URL(text)
    except httpx2.InvalidURL:
        raise ProjectError(f"{name}.{key} is no address") from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise ProjectError(f"{name}.{key} has to start with https:// or http:// and name a host")
    if url.userinfo:
        raise ProjectError(f"{name}.{key} must not hold a password: see {name}.auth")
    return url


def _auth(project: Project, source: RestApi) -> httpx2.Auth | None:
    api, name = source.section(project), source.name

    def secret(kind: str) -> str:
        variable = f"{name.upper()}_{kind}"
        found = project.settings.secret(variable)
        text = found.get_secret_value().strip() if found else ""
        if not text:
            raise ProjectError(f"{variable} is not set: put it into .env ({name}.auth)")
        if not (text.isascii() and text.isprintable()):
            raise ProjectError(f"{variable} holds a character that no header may have")
        return text

    if api.auth == "api_key":
        return _Header(api.key_header, secret("KEY"))
    if api.auth == "bearer":
        return _Header("Authorization", f"Bearer {secret('TOKEN')}")
    if api.auth == "oauth2":
        url = _address(api.token_url, name, "token_url")
        return _ClientCredentials(
            name, url, secret("CLIENT_ID"), secret("CLIENT_SECRET"), api.scope
        )
    return None


class _Header(httpx2.Auth):
    """Signs each request by a header."""

    def __init__(self, name: str, value: str) -> None:
        self._name, self._value = name, value

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        request.headers[self._name] = self._value
        yield request


class _ClientCredentials(httpx2.Auth):
    """Signs each request by an OAuth2 token, got for the client's id and secret."""

    requires_response_body = True

    def __init__(
        self, name: str, token_url: httpx2.URL, identity: str, secret: str, scope: str
    ) -> None:
        both = f"{quote_plus(identity)}:{quote_plus(secret)}"
        self._basic = f"Basic {base64.b64encode(both.encode()).decode()}"
        self._name, self._token_url, self._scope, self._token = name, token_url, scope, ""

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        fresh = not self._token
        if fresh:
            yield from self._fetch()
        request.headers["Authorization"] = f"Bearer {self._token}"
        response = yield request
        if response.status_code in REFUSED and not fresh:  # the token may have run out
            yield from self._fetch()
            request.headers["Authorization"] = f"Bearer {self._token}"
            yield request

    def _fetch(self) -> Generator[httpx2.Request, httpx2.Response, None]:
        data = {"grant_type": "client_credentials", "scope": self._scope}
        data = {name: value for name, value in data.items() if value}
        headers = {"Authorization": self._basic, "Accept": "application/json"}
        response = yield httpx2.Request("POST", self._token_url, data=data, headers=headers)
        if response.status_code in PASSING:
            status = f"{response.status_code} {response.reason_phrase}"
            raise PassingError(
                f"{self._token_url.host} answers {status} ({self._name}.token_url)",
                _retry_after(response),
            )
        try:
            token = response.json()["access_token"]
        except (ValueError, LookupError, TypeError):
            token = None
        if not (isinstance(token, str) and token.isascii() and token.isprintable() and token):
            variable = self._name.upper()
            raise ProjectError(
                f"REST API: {self._token_url.host} gives no token, but {response.status_code} "
                f"{response.reason_phrase} ({self._name}.token_url, {variable}_CLIENT_ID, "
                f"{variable}_CLIENT_SECRET)"
            )
        self._token = token
