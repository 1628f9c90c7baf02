"""A small cluster for the tests of the source: who is in it decides who is enrolled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from probe import NODE
from support.fake_apiserver import TOKEN, FakeApiServer, objects, write_kubeconfig


class Cluster:
    """An ambient namespace `mesh`, another one `plain`, and whatever pods a test puts there."""

    def __init__(self, server: FakeApiServer, folder: Path) -> None:
        self.server = server
        self._folder = folder
        self._addresses = 0
        server.put("namespaces", objects.namespace("mesh", objects.AMBIENT))
        server.put("namespaces", objects.namespace("plain"))

    def pod(self, name: str, space: str = "mesh", node: str = NODE, **more: Any) -> dict[str, Any]:
        """A running pod with an address of its own."""
        self._addresses += 1
        address = f"10.1.{self._addresses // 250}.{self._addresses % 250 + 1}"
        return objects.pod(name, space, node, address, **more)

    def put(self, *names: str) -> None:
        self.server.put("pods", *(self.pod(name) for name in names))

    def relabel(self, space: str, ambient: bool) -> None:
        labels = objects.AMBIENT if ambient else None
        self.server.put("namespaces", objects.namespace(space, labels))

    def kubeconfig(
        self, cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None
    ) -> tuple[str, str]:
        """The probe's option; by default with the right authority and the first token."""
        trust = {"certificate-authority": str(self.server.authority.file)}
        path = write_kubeconfig(
            self._folder / "kubeconfig",
            self.server.url,
            trust if cluster is None else cluster,
            {"token": TOKEN} if user is None else user,
        )
        return "--kubeconfig", str(path)
