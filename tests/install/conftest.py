from pathlib import Path

import pytest
from support.installation import Installation


@pytest.fixture
def node(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "node")
