"""What a dynamically linked program needs: its loader and its shared libraries."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

# "libfmt.so.9 => /lib/x86_64-linux-gnu/libfmt.so.9 (0x...)"
_LIBRARY = re.compile(r"^\s*\S+ => (\S+) \(0x", re.MULTILINE)
_MISSING = re.compile(r"^\s*(\S+) => not found", re.MULTILINE)
_LOADER = re.compile(r"program interpreter: ([^\]]+)\]")


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def loader(program: Path) -> Path | None:
    """The dynamic loader that the kernel starts for the program; None for a static one."""
    found = _LOADER.search(_output("readelf", "--wide", "--program-headers", str(program)))
    return Path(found[1]) if found else None


def libraries(program: Path, loaded_later: str) -> list[Path]:
    """Where each shared library lies, with those that the program loads when it needs one by that
    name. The loader itself says so: it is what will look for them."""
    interpreter = loader(program)
    if interpreter is None:
        return []
    listed = _output(str(interpreter), "--preload", loaded_later, "--list", str(program))
    found = [Path(path) for path in _LIBRARY.findall(listed)]
    missing = _MISSING.findall(listed)
    if loaded_later not in (path.name for path in found):  # the loader only warns
        missing.append(loaded_later)
    if missing:
        raise FileNotFoundError(f"{program} needs {', '.join(missing)}")
    return found
