"""The image's archive, taken apart. Every blob that is read is compared with its digest."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

from support.deploy import render

BUILDER = [str(render.ROOT / "image/build"), "--build", os.environ["AMBIENT_BUILD"]]
AGENT = "usr/local/bin/ambient-node-agent"
PLUGIN = "usr/local/lib/ambient-cni/ambient-cni"


class Archive:
    def __init__(self, path: Path) -> None:
        with tarfile.open(path) as tar:
            self.members = tar.getmembers()
            self._files = {
                member.name: tar.extractfile(member).read()
                for member in self.members
                if member.isfile()
            }
        (self.described,) = self.json("index.json")["manifests"]
        self.manifest = json.loads(self._blob(self.described))
        self.config = json.loads(self._blob(self.manifest["config"]))
        (layer,) = self.manifest["layers"]
        self.layer = gzip.decompress(self._blob(layer))

    def json(self, name: str) -> Any:
        return json.loads(self._files[name])

    def _blob(self, descriptor: dict[str, Any]) -> bytes:
        content = self._files["blobs/" + descriptor["digest"].replace(":", "/")]
        assert len(content) == descriptor["size"]
        assert "sha256:" + hashlib.sha256(content).hexdigest() == descriptor["digest"]
        return content

    def root(self) -> tarfile.TarFile:
        return tarfile.open(fileobj=io.BytesIO(self.layer))
