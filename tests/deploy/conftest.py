"""What ./run tells by environment, and the manifests as the tools render them."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.deploy import render
from support.deploy.engine import Engine
from support.deploy.image_archive import Archive


@pytest.fixture(scope="session")
def archive() -> Path:
    """The image: ./run builds it before."""
    return Path(os.environ["AMBIENT_IMAGE"])


@pytest.fixture(scope="session")
def base() -> render.Objects:
    return render.kustomize(render.MANIFESTS / "base")


@pytest.fixture(scope="session")
def image(archive: Path) -> Archive:
    return Archive(archive)


@pytest.fixture(scope="session")
def root(image: Archive) -> Iterator[tarfile.TarFile]:
    """The files in the image."""
    with image.root() as layer:
        yield layer


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with Engine(tmp_path_factory.mktemp("engine") / "containerd") as running:
        yield running


@pytest.fixture(scope="session")
def image_name(engine: Engine, archive: Path) -> str:
    """The image, as containerd names it once it has it."""
    (only,) = engine.load(archive)
    return only
