"""Which objects a request asks for, and in which form: field selectors and the Accept header."""

from __future__ import annotations

from dataclasses import dataclass

from support.fake_apiserver import status
from support.fake_apiserver.store import Stored

JSON_TYPES = ("application/json", "application/*", "*/*")
PARTIAL, PARTIAL_LIST = "PartialObjectMetadata", "PartialObjectMetadataList"
# What a pod can be selected by (pkg/apis/core/v1/conversion.go, AddFieldLabelConversionsForPod).
POD_FIELDS = {
    "metadata.name", "metadata.namespace", "spec.nodeName", "spec.restartPolicy",
    "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork", "status.phase",
    "status.podIP", "status.podIPs", "status.nominatedNodeName",
}  # fmt: skip
OTHER_FIELDS = {"metadata.name", "metadata.namespace"}


@dataclass(frozen=True)
class Selection:
    """`field=value` pairs that all have to hold."""

    space: str
    fields: tuple[tuple[str, bool, str], ...]

    @staticmethod
    def parse(resource: str, space: str, text: str) -> Selection:
        known = POD_FIELDS if resource == "pods" else OTHER_FIELDS
        fields = []
        for part in filter(None, text.split(",")):
            name, equal, value = part.partition("=")
            same = not name.endswith("!")
            name, value = name.rstrip("!"), value.removeprefix("=")
            if not equal:
                raise status.bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
            if name not in known:
                raise status.bad_request(f"field label not supported: {name}")
            fields.append((name, same, value))
        return Selection(space, tuple(fields))

    def matches(self, stored: Stored | None) -> bool:
        if stored is None or self.space not in ("", stored.key[0]):
            return False
        for path, same, wanted in self.fields:
            value = stored.content
            for step in path.split("."):
                value = value.get(step, {})
            if ((value or "") == wanted) != same:
                return False
        return True


def form(accept: str, is_list: bool, is_watch: bool) -> str:
    """Empty for the whole object, PARTIAL or, of a watch, PARTIAL_LIST, by the first type that we can
    write (k8s.io/apiserver/pkg/endpoints/handlers/negotiation)."""
    for part in (accept or "*/*").split(","):
        media, *parameters = [word.strip() for word in part.split(";")]
        wanted = dict(word.partition("=")[::2] for word in parameters)
        if media not in JSON_TYPES:
            continue
        kind = wanted.get("as", "")
        if not kind:
            return ""
        if (wanted.get("g"), wanted.get("v")) != ("meta.k8s.io", "v1"):
            continue
        if is_watch and kind in (PARTIAL, PARTIAL_LIST):
            return kind
        if kind == (PARTIAL_LIST if is_list else PARTIAL):
            return PARTIAL
        if kind in (PARTIAL, PARTIAL_LIST):
            what = "a list" if is_list else "not a list"
            raise status.not_acceptable(f"you requested {kind}, but the requested object is {what}")
    raise status.not_acceptable(
        "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml"
    )


def item(stored: Stored, chosen: str) -> str:
    return stored.metadata_only if chosen else stored.item


def alone(stored: Stored, chosen: str) -> str:
    return stored.metadata_only if chosen else stored.whole
