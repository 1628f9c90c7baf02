"""An OCI image archive (image-spec, image-layout.md) of one layer: same files, same bytes."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import dataclass, field
from typing import Any

_CONFIG = "application/vnd.oci.image.config.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True)
class Entry:
    """A file, a folder (no content) or a symbolic link (no content, a target)."""

    mode: int
    content: bytes | None = None
    target: str | None = None


@dataclass(frozen=True)
class Image:
    name: str  # as a pod's specification names it
    architecture: str  # as Go spells it
    created: str  # RFC 3339
    config: dict[str, Any]
    labels: dict[str, str]
    entries: dict[str, Entry] = field(default_factory=dict)  # by path, without a leading slash


def _tar(entries: dict[str, Entry]) -> bytes:
    """Sorted, everything root's, at the epoch: nothing of the machine that made it shows."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(entries):
            entry, member = entries[name], tarfile.TarInfo(name)
            member.mode = entry.mode
            if entry.target is not None:
                member.type, member.linkname = tarfile.SYMTYPE, entry.target
                archive.addfile(member)
            elif entry.content is None:
                member.type = tarfile.DIRTYPE
                archive.addfile(member)
            else:
                member.size = len(entry.content)
                archive.addfile(member, io.BytesIO(entry.content))
    return buffer.getvalue()


def with_folders(entries: dict[str, Entry]) -> dict[str, Entry]:
    """Every folder on the way to an entry is one itself, or the runtime chooses its mode."""
    folders = {
        "/".join(parts[:depth]): Entry(0o755)
        for parts in (name.split("/") for name in entries)
        for depth in range(1, len(parts))
    }
    return folders | entries


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _digest(blob: bytes) -> str:
    return "sha256:" + hashlib.sha256(blob).hexdigest()


class _Blobs:
    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}

    def add(self, media_type: str, blob: bytes) -> dict[str, Any]:
        """Keeps it; its descriptor."""
        digest = _digest(blob)
        self.entries[f"blobs/{digest.replace(':', '/')}"] = Entry(0o644, blob)
        return {"mediaType": media_type, "digest": digest, "size": len(blob)}


def archive(image: Image) -> bytes:
    layer = _tar(with_folders(image.entries))
    blobs = _Blobs()
    config = {
        "architecture": image.architecture,
        "os": "linux",
        "created": image.created,
        "config": {**image.config, "Labels": image.labels},
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        "history": [{"created": image.created, "created_by": "image/build"}],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": blobs.add(_CONFIG, _json(config)),
        # mtime=0: gzip.compress writes no file name, and no time but this one
        "layers": [blobs.add(_LAYER, gzip.compress(layer, compresslevel=9, mtime=0))],
        "annotations": image.labels,
    }
    described = blobs.add(_MANIFEST, _json(manifest)) | {
        "platform": {"architecture": image.architecture, "os": "linux"},
        "annotations": {
            "io.containerd.image.name": image.name,  # ctr, kind
            "org.opencontainers.image.ref.name": image.name,  # podman, skopeo
        },
    }
    index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": [described]}
    return _tar(
        with_folders(
            blobs.entries
            | {
                "oci-layout": Entry(0o644, _json({"imageLayoutVersion": "1.0.0"})),
                "index.json": Entry(0o644, _json(index)),
            }
        )
    )
