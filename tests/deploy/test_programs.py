"""Both programs run from the image: nothing that they need is missing in it."""

from __future__ import annotations

import json
import subprocess

from support.deploy import render
from support.deploy.engine import Engine
from support.deploy.image_archive import AGENT, PLUGIN

FLAGS = ("--rm", "--read-only", "--seccomp")


def _run(
    engine: Engine, image_name: str, *command: str, stdin: str = "", **environment: str
) -> str:
    words = [word for pair in environment.items() for word in ("--env", "=".join(pair))]
    process = subprocess.Popen(
        engine.run_command(*FLAGS, *words, image_name, "once", *command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    # An end of input that ctr sees before the process runs is never passed on to it.
    engine.wait_started("once", process)
    said, _none = process.communicate(stdin, timeout=60)
    assert process.returncode == 0, said
    return said


def test_containerd_knows_it_by_the_name_in_the_manifests(
    image_name: str, base: render.Objects
) -> None:
    assert image_name == render.container(base)["image"]


def test_the_agent_starts(engine: Engine, image_name: str) -> None:
    assert "ambient-node-agent" in _run(engine, image_name, f"/{AGENT}", "--help")


def test_the_entry_point_is_the_agent(engine: Engine, image_name: str) -> None:
    # ctr puts arguments in the entry point's place; without any it runs that, which finds no file.
    done = subprocess.run(
        engine.run_command(*FLAGS, image_name, "entry"),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "/etc/ambient-cni/agent.yaml" in done.stdout + done.stderr


def test_the_plugin_answers(engine: Engine, image_name: str) -> None:
    request = '{"cniVersion": "1.0.0"}'
    answer = json.loads(
        _run(engine, image_name, f"/{PLUGIN}", stdin=request, CNI_COMMAND="VERSION")
    )
    assert "1.0.0" in answer["supportedVersions"]
