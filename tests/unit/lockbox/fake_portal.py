"""The portal, seen from its clients."""

from collections.abc import Callable
from typing import Any

import httpx

URL = "https://lockbox.example"
Answer = httpx.Response | httpx.HTTPError | Callable[[httpx.Request], httpx.Response]


class FakePortal:
    """Answers by method and path, and keeps what it was asked."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self._answers: dict[str, Answer] = {}

    def on(self, route: str, answer: Answer) -> None:
        self._answers[route] = answer

    def says(self, route: str, document: Any, status: int = 200) -> None:
        self.on(route, httpx.Response(status, json=document))

    def asked(self, route: str) -> list[httpx.Request]:
        return [request for request in self.requests if route_of(request) == route]

    def handle(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        answer = self._answers.get(route_of(request), httpx.Response(404, json={"detail": "nothing", "code": "none"}))
        if isinstance(answer, httpx.HTTPError):
            raise answer
        if isinstance(answer, httpx.Response):
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
        return answer(request)


def route_of(request: httpx.Request) -> str:
    return f"{request.method} {request.url.path}"
