"""A plain client of the API for the server's own tests: HTTP by Python's library, one connection
each."""

from __future__ import annotations

import http.client
import json
import ssl
import urllib.parse
from typing import Any

from support.fake_apiserver import TOKEN, FakeApiServer

PARTIAL = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
PARTIAL_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
TIMEOUT = 20


class Client:
    def __init__(self, server: FakeApiServer, token: str | None = TOKEN) -> None:
        self.tls = ssl.create_default_context(cafile=str(server.authority.file))
        self._server, self._token = server, token

    def open(
        self, method: str, path: str, body: Any = None, accept: str = "*/*", **query: object
    ) -> http.client.HTTPResponse:
        """Sends a request; the answer's body is still to be read. A JSON patch is a list."""
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self._server.port, context=self.tls, timeout=TIMEOUT
        )
        headers = {"Accept": accept}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if method == "PATCH":
            kind = "json-patch" if isinstance(body, list) else "merge-patch"
            headers["Content-Type"] = f"application/{kind}+json"
        target = f"{path}?{urllib.parse.urlencode(query)}" if query else path
        connection.request(method, target, None if body is None else json.dumps(body), headers)
        return connection.getresponse()

    def ask(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        """Code and JSON of the answer."""
        with self.open(method, path, body, **more) as answer:
            return answer.status, json.loads(answer.read())

    def watch(self, path: str, version: str, **query: object) -> Watch:
        return Watch(self.open("GET", path, watch=1, resourceVersion=version, **query))


class Watch:
    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.answer = answer

    def next(self) -> tuple[str, Any] | None:
        """Type and object of the next event; None at a clean end."""
        line = self.answer.readline()
        if not line:
            return None
        event = json.loads(line)
        return event["type"], event["object"]

    def close(self) -> None:
        self.answer.close()
