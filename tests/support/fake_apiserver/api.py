"""What the API server does with one request: who asks, for what, and the answer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from support.fake_apiserver import patches, selection, status
from support.fake_apiserver.faults import Answer, Break, Compact, Faults, Hang, Kind, Late, Pieces
from support.fake_apiserver.http1 import BrokenOnPurpose, Request, Response
from support.fake_apiserver.lists import Lists
from support.fake_apiserver.objects import CREATED, uid_of
from support.fake_apiserver.store import RESOURCES, Store, Stored
from support.fake_apiserver.watches import Watches

HEADERS = {"Cache-Control": "no-cache, private", "Content-Type": "application/json"}
GROUPS = {"v1": ["api", "v1"], "apps/v1": ["apis", "apps", "v1"]}
VERBS = {"GET": "get", "PATCH": "patch", "POST": "create"}


@dataclass(frozen=True)
class Target:
    """What a path names. Namespaces are a resource, and the place of others."""

    resource: str
    space: str
    name: str = ""
    subresource: str = ""

    @property
    def right(self) -> str:
        """As a role's `resources` names it."""
        return "/".join(filter(None, (self.resource, self.subresource)))

    @staticmethod
    def parse(path: str) -> Target | None:
        words = path.strip("/").split("/")
        for api_version, prefix in GROUPS.items():
            if words[: len(prefix)] != prefix:
                continue
            rest, space = words[len(prefix) :], ""
            if len(rest) > 2 and rest[0] == "namespaces":
                space, rest = rest[1], rest[2:]
            found = RESOURCES.get(rest[0]) if rest else None
            if not found or found.api_version != api_version:
                continue
            if len(rest) <= 2 or rest[2:] == ["status"]:
                return Target(found.name, space, *rest[1:])
        return None


@dataclass
class Api:
    """State that the tests change from the server's loop only."""

    store: Store = field(default_factory=Store)
    faults: Faults = field(default_factory=Faults)
    tokens: set[str] = field(default_factory=set)
    forbidden: set[tuple[str, str]] = field(default_factory=set)  # verb, resource

    def __post_init__(self) -> None:
        self.lists = Lists(self.store)
        self.watches = Watches(self.store)

    @staticmethod
    def verb(request: Request, target: Target | None) -> str:
        verb = VERBS.get(request.method, request.method.lower())
        if verb == "get" and target and not target.name:
            watched = request.query.get("watch") in ("1", "true")
            return "watch" if watched else "list"
        return verb

    async def answer(self, request: Request, user: str, response: Response) -> None:
        """`user`: whom the client's certificate names, or empty."""
        target = Target.parse(request.path)
        verb = self.verb(request, target)
        resource = target.resource if target else ""
        fault = self.faults.take(verb, resource, request.query)
        try:
            await self._strike(fault, request, response)
            self._authorize(request, user, verb, target.right if target else "")
            if target is None:
                await response.whole(404, {"Content-Type": "text/plain"}, b"404 page not found\n")
            elif verb == "watch":
                await self._watch(target, request, response, fault)
            else:
                code, body = self._do(verb, target, request)
                if isinstance(fault, Late):
                    await fault.released.wait()
                await response.whole(code, HEADERS, body)
        except status.ApiError as error:
            body = status.encode(error.status)
            await response.whole(error.status["code"], HEADERS | error.headers, body)
        except AnswerGiven:
            pass

    async def _strike(self, fault: Kind | None, request: Request, response: Response) -> None:
        match fault:
            case Answer(code, headers, body):
                await response.whole(code, HEADERS | headers, body)
                raise AnswerGiven
            case Break(0):
                raise BrokenOnPurpose
            case Break(after):
                response.break_after = after
            case Pieces(size):
                response.piece = size
            case Compact():
                self.store.compact()
            case Hang():
                while not request.cancelled:
                    request.wake.clear()
                    await request.wake.wait()
                raise BrokenOnPurpose

    def _authorize(self, request: Request, user: str, verb: str, resource: str) -> None:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if not user and not (kind.lower() == "bearer" and token in self.tokens):
            raise status.unauthorized()
        if (verb, resource) in self.forbidden:
            message = (
                f'{resource} is forbidden: User "{user or "system:serviceaccount:istio-system:x"}" '
                f'cannot {verb} resource "{resource}" in API group "" at the cluster scope'
            )
            raise status.ApiError(status.failure(403, "Forbidden", message))

    async def _watch(
        self, target: Target, request: Request, response: Response, fault: Kind | None
    ) -> None:
        chosen = selection.form(request.headers.get("accept", ""), False, True)
        await self.watches.serve(
            target.resource, self._selected(target, request), chosen, request, response, fault
        )

    @staticmethod
    def _selected(target: Target, request: Request) -> selection.Selection:
        fields = request.query.get("fieldSelector", "")
        return selection.Selection.parse(target.resource, target.space, fields)

    def _do(self, verb: str, target: Target, request: Request) -> tuple[int, bytes]:
        chosen = selection.form(request.headers.get("accept", ""), verb == "list", False)
        key = target.space, target.name
        match verb:
            case "list":
                chosen_by = self._selected(target, request)
                return 200, self.lists.page(target.resource, chosen_by, request.query, chosen)
            case "get" if not target.subresource:
                stored = self.store.get(target.resource, key)
            case "patch":
                stored = self._patch(target, request)
            case "delete" if target.name and not target.subresource:
                stored = self._delete(target, request)
            case "create" if not target.name:
                stored = self._create(target, request)
            case _:
                raise status.method_not_allowed()
        return 201 if verb == "create" else 200, selection.alone(stored, chosen).encode() + b"\n"

    def _patch(self, target: Target, request: Request) -> Stored:
        before = self.store.get(target.resource, (target.space, target.name))
        content_type = request.headers.get("content-type", "").partition(";")[0]
        after = patches.apply(content_type, request.body, before.content)
        patches.keep_what_is_not_its_own(target.subresource, before.content, after)
        old, new = before.content["metadata"], after["metadata"]
        if new.get("resourceVersion") != old["resourceVersion"]:
            raise status.conflict(
                target.resource,
                target.name,
                "the object has been modified; please apply your changes to the latest version and "
                "try again",
            )
        if new.get("uid") != old["uid"]:
            raise status.immutable(target.resource, target.name, "metadata.uid", str(new.get("uid")))
        if (new.get("namespace"), new["name"]) != (old.get("namespace"), old["name"]):
            raise status.bad_request("the name of the object does not match the name on the URL")
        return before if after == before.content else self.store.put(target.resource, after)

    def _delete(self, target: Target, request: Request) -> Stored:
        """At once, as with gracePeriodSeconds 0. registry/generic/registry/store.go, Delete: preconditions
        that do not hold are a conflict."""
        key = target.space, target.name
        stored = self.store.get(target.resource, key)
        options: dict[str, Any] = json.loads(request.body) if request.body else {}
        metadata = stored.content["metadata"]
        for name, wanted in options.get("preconditions", {}).items():
            if metadata.get(name) != wanted:
                message = (
                    f"Precondition failed: {name} in precondition: {wanted}, "
                    f"{name} in object meta: {metadata.get(name)}"
                )
                raise status.conflict(target.resource, target.name, message)
        self.store.delete(target.resource, key)
        return stored

    def _create(self, target: Target, request: Request) -> Stored:
        try:
            content: dict[str, Any] = json.loads(request.body)
        except ValueError as error:
            raise status.bad_request(f"cannot be decoded: {error}") from None
        resource = RESOURCES[target.resource]
        if (content.pop("kind", ""), content.pop("apiVersion", "")) != (
            resource.kind,
            resource.api_version,
        ):
            raise status.bad_request(f"the object provided is not a {resource.kind}")
        metadata = content.setdefault("metadata", {})
        if metadata.setdefault("namespace", target.space) != target.space:
            raise status.bad_request("the namespace of the provided object does not match the URL")
        if "name" not in metadata:
            if "generateName" not in metadata:
                raise status.invalid("metadata.name: Required value: name or generateName is required")
            metadata["name"] = f"{metadata['generateName']}{self.store.version:05x}"
        if self.store.find(target.resource, (target.space, metadata["name"])):
            raise status.already_exists(target.resource, metadata["name"])
        involved = content.get("involvedObject", {}).get("namespace", target.space)
        if target.resource == "events" and involved != target.space:
            raise status.invalid("involvedObject.namespace: does not match event.namespace")
        metadata["uid"] = uid_of("created", str(self.store.version))
        metadata["creationTimestamp"] = CREATED
        return self.store.put(target.resource, content)


class AnswerGiven(Exception):
    """A fault has answered already."""
