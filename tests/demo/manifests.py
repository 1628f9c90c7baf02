"""The demo's objects: YAML files in a folder, as the agents read them; nothing is written."""

from __future__ import annotations

from pathlib import Path

import yaml

from support.cluster.model import PODS
from support.kube_objects import PodState


class Manifests:
    """Stands where the tests have an ObjectStore. Its pods must be pods of the model, which says
    what runs in them."""

    def __init__(self, folder: Path) -> None:
        self.path = folder
        objects = [
            o
            for file in sorted(folder.glob("*.yaml"))
            for o in yaml.safe_load_all(file.read_text())
        ]
        found = [o for o in objects if o["kind"] == "Pod"]
        self.pods = {o["metadata"]["name"]: PODS[o["metadata"]["name"]] for o in found}
        for o in found:
            pod = PODS[o["metadata"]["name"]]
            assert o["status"]["podIP"] == pod.address, f"{pod.name}: manifest and model differ"
        self.states = {name: PodState() for name in self.pods}

    def write(self) -> None:
        """The files already say what the cluster will be."""
