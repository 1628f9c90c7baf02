"""The soak test stands on the end-to-end tests' node and the source tests' API server."""

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path += [str(TESTS / "e2e"), str(TESTS / "api")]
