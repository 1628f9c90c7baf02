"""A stand-in for kube-apiserver over real TLS, with faults on request. See tests/api/README.md."""

from support.fake_apiserver.access import inline, write_kubeconfig
from support.fake_apiserver.faults import Answer, Break, BreakInEvent, Compact, Hang, Late, Pieces, Silence
from support.fake_apiserver.requests import Seen
from support.fake_apiserver.server import TOKEN, FakeApiServer

__all__ = [
    "TOKEN",
    "Answer",
    "Break",
    "BreakInEvent",
    "Compact",
    "FakeApiServer",
    "Hang",
    "Late",
    "Pieces",
    "Seen",
    "Silence",
    "inline",
    "write_kubeconfig",
]
