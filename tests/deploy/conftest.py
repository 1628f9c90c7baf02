"""What ./run tells by environment, and the manifests as the tools render them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import render


@pytest.fixture(scope="session")
def archive() -> Path:
    """The image: ./run builds it before."""
    return Path(os.environ["AMBIENT_IMAGE"])


@pytest.fixture(scope="session")
def base() -> render.Objects:
    return render.kustomize(render.MANIFESTS / "base")
