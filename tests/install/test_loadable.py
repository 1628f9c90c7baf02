"""`installed` means that a runtime would load it: libcni itself is asked about the same text."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.installation import Installation

CNITOOL = os.environ.get("AMBIENT_CNITOOL", "cnitool")
PLUGIN: dict[str, Any] = {"type": "bridge"}


def text(plugin: dict[str, Any] | None = None, drop: str = "", **more: Any) -> str:
    whole = {"cniVersion": "1.0.0", "name": "pods", "plugins": [{**PLUGIN, **(plugin or {})}], **more}
    whole.pop(drop, None)
    return json.dumps(whole)


CASES = {
    "as it must be": text(),
    "a NUL behind it": text() + "\0",
    "a NUL and more behind it": text() + "\0{}",
    "white space behind it": text() + " \r\n\t",
    "a second value behind it": text() + "{}",
    "a comma too many": text().replace("]", ",]"),
    "a comment": "// pods\n" + text(),
    "a number too large": text(x=0).replace("0}", "1e400}"),
    "a number with a leading zero": text(x=0).replace("0}", "01}"),
    "a byte order mark": "\ufeff" + text(),
    "no name": text(drop="name"),
    "a name that is a number": text(name=1),
    "a name that is null": text(name=None),
    "no plugins": text(drop="plugins"),
    "plugins that are none": text(plugins=[]),
    "plugins that are an object": text(plugins={}),
    "a plugin that is a text": text(plugins=["bridge"]),
    "a plugin without type": text(plugins=[{"mtu": 1500}]),
    "a second plugin without type": text(plugins=[PLUGIN, {}]),
    "a type that is a number": text({"type": 1}),
    "an empty type": text({"type": ""}),
    "cniVersion that is a number": text(cniVersion=1.0, cniVersions=["1.0.0"]),
    "cniVersions with a newer one": text(cniVersions=["9.0.0"]),
    "disableCheck": text(disableCheck=True),
    "disableCheck as a text": text(disableCheck="True"),
    "disableCheck as another text": text(disableCheck="yes"),
    "disableCheck as a number": text(disableCheck=1),
    "capabilities": text({"capabilities": {"portMappings": True}}),
    "capabilities as a list": text({"capabilities": ["portMappings"]}),
    "a capability that is a text": text({"capabilities": {"portMappings": "true"}}),
    "ipam": text({"ipam": {"type": "host-local"}}),
    "ipam that is null": text({"ipam": None}),
    "ipam that is a text": text({"ipam": "host-local"}),
    "ipam whose type is a number": text({"ipam": {"type": 1}}),
    "dns": text({"dns": {"nameservers": ["10.0.0.1"], "search": None}}),
    "dns with one nameserver as a text": text({"dns": {"nameservers": "10.0.0.1"}}),
    "dns with a number for a domain": text({"dns": {"domain": 1}}),
    "what nobody knows": text({"x": {"y": [None]}}, x=[{}]),
}

# Fields that only later versions of libcni read (libcni/conf.go, NetworkConfFromBytes).
REFUSED_SINCE = {
    "cniVersions that is a text": text(cniVersions="1.0.0"),
    "cniVersions with a number": text(cniVersions=[1]),
    "cniVersions with a word": text(cniVersions=["new"]),
    "disableGC as a number": text(disableGC=1),
}


def libcni_loads(folder: Path) -> bool:
    """It is asked to add a sandbox, and has no plugin to do it with."""
    done = subprocess.run(
        [CNITOOL, "add", "pods", "/proc/self/ns/net"],
        env={"NETCONFPATH": str(folder), "CNI_PATH": "/nonexistent"},
        text=True,
        capture_output=True,
        timeout=60,
    )
    said = done.stdout + done.stderr
    loaded = "failed to find plugin" in said
    assert loaded or "pars" in said, said
    return loaded


@pytest.mark.parametrize("case", CASES)
def test_installed_when_libcni_would_load_it(node: Installation, case: str) -> None:
    (node.conf / "10-pods.conflist").write_text(CASES[case], encoding="utf-8")
    loads = libcni_loads(node.conf)
    done = node.run("install")
    assert (done.returncode == 0) == loads, done.stderr
    assert node.plugin.exists()
    after = (node.conf / "10-pods.conflist").read_text(encoding="utf-8")
    assert loads or after == CASES[case], "what cannot be loaded is not touched"
    assert not loads or libcni_loads(node.conf)


@pytest.mark.parametrize("case", REFUSED_SINCE)
def test_not_installed_where_a_later_libcni_would_not_load_it(node: Installation, case: str) -> None:
    (node.conf / "10-pods.conflist").write_text(REFUSED_SINCE[case])
    done = node.run("install")
    assert done.returncode == 1 and "no runtime would load it" in done.stderr
    assert (node.conf / "10-pods.conflist").read_text() == REFUSED_SINCE[case]
