"""One node of a cluster as an operator has it: a container runtime, the primary CNI's
configuration, our agent following the API server and installing itself; and the kubelet's part in
what happens to a pod."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.agent import Agent, program
from support.cni import DEBIAN_PLUGINS
from support.fake_apiserver import TOKEN, FakeApiServer, objects, write_kubeconfig
from support.fake_apiserver.server import listening_socket
from support.folder_events import FolderEvents
from support.kernel_events import KernelEvents
from support.kube.cri import CriRuntime, CriSandbox
from support.kube.kube_view import captured_by_filter, captured_by_route, expected
from support.kube.libcni import LibCni, NetnsSandbox
from support.netns import create, delete

NODE, CONTROL_PLANE = "kube-node", "kube-api"
NODE_ADDRESS, API_ADDRESS, API_PORT = "172.30.0.2", "172.30.0.1", 6443
HEALTH_PORT = 15014
POD_CIDR, GATEWAY = "10.250.1.0/24", "10.250.1.1"
PLUGINS = ("ptp", "host-local", "loopback")
TAINT = "ambient-cni.dev/not-ready"
REDIRECTION = "ambient.istio.io/redirection"
DAEMON_SET = ("istio-system", "ambient-node-agent")
ZTUNNEL = ("istio-system", "ztunnel-kube")


def primary_conflist(ipam: Path) -> str:
    """What the primary CNI writes, and goes on writing."""
    conflist = {
        "cniVersion": "1.0.0",
        "name": "pods",
        "plugins": [
            {
                "type": "ptp",
                "ipMasq": False,
                "ipam": {
                    "type": "host-local",
                    "dataDir": str(ipam),
                    "ranges": [[{"subnet": POD_CIDR, "gateway": GATEWAY}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            }
        ],
    }
    return json.dumps(conflist, indent=3) + "\n"


class KubeNode:
    """Context manager; the agent is started by the caller, through `agent`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.conf_dir, self.bin_dir = folder / "net.d", folder / "bin"
        self.conf_file = self.conf_dir / "10-primary.conflist"
        self.primary = primary_conflist(folder / "ipam")
        self.sandboxes: dict[tuple[str, str], CriSandbox | NetnsSandbox] = {}
        self._ended = contextlib.ExitStack()

    def __enter__(self) -> KubeNode:
        with contextlib.ExitStack() as stack:
            self._start(stack)
            self._ended = stack.pop_all()
        return self

    def _start(self, stack: contextlib.ExitStack) -> None:
        delete([NODE, CONTROL_PLANE])
        stack.callback(delete, [NODE, CONTROL_PLANE])
        self.netns, control_plane = create([NODE, CONTROL_PLANE])
        self.netns.sysctl("ipv4/ip_forward", 1)
        self.netns.ip(
            f"link add eth0 type veth peer name eth0 netns {CONTROL_PLANE}",
            f"addr add {NODE_ADDRESS}/24 dev eth0",
            "link set eth0 up",
            f"route add default via {API_ADDRESS}",
        )
        control_plane.ip(f"addr add {API_ADDRESS}/24 dev eth0", "link set eth0 up")
        self.conf_dir.mkdir(parents=True)
        self.bin_dir.mkdir()
        for name in PLUGINS:
            (self.bin_dir / name).symlink_to(Path(DEBIAN_PLUGINS) / name)
        self.conf_file.write_text(self.primary)
        self.api = stack.enter_context(
            FakeApiServer(
                self.folder / "api",
                API_ADDRESS,
                API_PORT,
                lambda address, port: control_plane.run(lambda: listening_socket(address, port)),
            )
        )
        self.api.put("nodes", objects.node(NODE, TAINT))
        self.api.put("namespaces", objects.namespace("istio-system"))
        self.put_daemon_set()
        self.agent = self._make_agent()
        stack.callback(lambda: self.agent.stop() if self.agent.running else None)
        self.libcni = LibCni(self.netns, self.conf_dir, self.bin_dir)
        stack.callback(self._remove_sandboxes)

    def __exit__(self, *_: object) -> None:
        self._ended.close()

    def _make_agent(self) -> Agent:
        kubeconfig = write_kubeconfig(
            self.folder / "kubeconfig",
            self.api.url,
            {"certificate-authority": str(self.api.authority.file)},
            {"token": TOKEN},
        )
        config: dict[str, Any] = {
            "source": {"kind": "kubernetes", "kubeconfig": str(kubeconfig)},
            "install": {
                "enabled": True,
                "plugin": str(program("ambient-cni")),
                "cni_bin_dir": str(self.bin_dir),
                "cni_conf_dir": str(self.conf_dir),
            },
            "health": {"port": HEALTH_PORT},
            "taint": TAINT,
            "daemonset": "/".join(DAEMON_SET),
        }
        return Agent(NODE, self.netns, self.folder / "agent", config)

    # The kubelet's part --------------------------------------------------------------------------

    def put_daemon_set(self) -> None:
        space, name = DAEMON_SET
        self.api.put("daemonsets", objects.daemon_set(name, space))

    def put_namespace(self, name: str, ambient: bool) -> None:
        self.api.put("namespaces", objects.namespace(name, objects.AMBIENT if ambient else None))

    def start_pod(self, space: str, name: str, **fields: Any) -> str:
        """The pod exists, gets a sandbox, then the API shows its address, which is returned."""
        self.api.put("pods", objects.pod(name, space, NODE, **fields))
        address = self.add_sandbox(space, name)
        self.show_address(space, name, address)
        return address

    def add_sandbox(
        self, space: str, name: str, runtime: CriRuntime | LibCni | None = None
    ) -> str:
        """Its address; AddRefused when CNI refused. Without a runtime libcni on the node's own
        configuration stands for it."""
        uid = objects.uid_of(space, name)
        sandbox = (runtime or self.libcni).run_sandbox(space, name, uid)
        self.sandboxes[space, name] = sandbox
        return sandbox.address

    def show_address(self, space: str, name: str, address: str) -> None:
        pod = self.pod(space, name)
        pod["status"] = objects.running(address)
        self.api.put("pods", pod)

    def stop_pod(self, space: str, name: str) -> None:
        """As a pod goes: it is terminating, its sandbox goes, then it goes from the API."""
        pod = self.pod(space, name)
        pod["metadata"]["deletionTimestamp"] = objects.CREATED
        self.api.put("pods", pod)
        self.remove_sandbox(space, name)
        self.api.delete("pods", space, name)

    def remove_sandbox(self, space: str, name: str) -> None:
        self.sandboxes.pop((space, name)).remove()

    def _remove_sandboxes(self) -> None:
        for space, name in list(self.sandboxes):
            self.remove_sandbox(space, name)

    def next_address_is_the_lowest(self) -> None:
        """host-local begins again instead of going on behind the last address that it gave."""
        (self.folder / "ipam" / "pods" / "last_reserved_ip.0").unlink()

    def start_ztunnel(self) -> str:
        return self.start_pod(*ZTUNNEL, labels={"app": "ztunnel"}, account="ztunnel")

    def remove_ztunnel(self) -> None:
        self.stop_pod(*ZTUNNEL)

    # What is to be seen --------------------------------------------------------------------------

    def captured(self) -> set[str]:
        """Addresses that filter and routes agree on."""
        return captured_by_filter(self.netns) & captured_by_route(self.netns)

    def expected(self) -> set[str]:
        return expected(self.api.all("pods"), self.api.all("namespaces"), NODE)

    def is_whole(self) -> bool:
        wanted = self.expected()
        return captured_by_filter(self.netns) == captured_by_route(self.netns) == wanted

    def wait_captured(self, address: str, wanted: bool = True, timeout: float = 60) -> None:
        self._wait(lambda: (address in self.captured()) == wanted, f"{address}: {wanted}", timeout)

    def wait_whole(self, timeout: float = 60) -> None:
        """Until exactly those are captured that the API's objects ask for."""
        self._wait(self.is_whole, "the kernel as the objects want it", timeout)

    def pod(self, space: str, name: str) -> dict[str, Any]:
        """As the API has it."""
        pod = self.api.get("pods", space, name)
        assert pod
        return pod

    def redirection(self, space: str, name: str) -> str | None:
        """The value of the annotation."""
        value: str | None = self.pod(space, name)["metadata"]["annotations"].get(REDIRECTION)
        return value

    def wait_redirection(self, space: str, name: str, value: str | None) -> None:
        what = f"{space}/{name} annotated {value}"
        self.api.wait(lambda: self.redirection(space, name) == value, what)

    def _wait(self, condition: Callable[[], bool], what: str, timeout: float) -> None:
        with KernelEvents(self.netns) as events:
            try:
                events.wait_until(condition, what, timeout)
            except AssertionError as error:
                raise AssertionError(
                    f"{error}\nfilter {captured_by_filter(self.netns)}\n"
                    f"routes {captured_by_route(self.netns)}\nwanted {self.expected()}\n"
                    + "\n".join(self.agent.log()[-40:])
                ) from None

    def wait_installed(self, timeout: float = 60) -> None:
        """Until our plugin is the last of the chain, and there."""
        deadline = time.monotonic() + timeout
        with FolderEvents(self.conf_dir) as conf, FolderEvents(self.bin_dir) as binaries:
            while self.chain() != ["ptp", "ambient-cni"]:
                assert conf.wait(deadline - time.monotonic()), f"the chain is {self.chain()}"
            while not (self.bin_dir / "ambient-cni").exists():
                assert binaries.wait(deadline - time.monotonic()), "the plugin is not there"

    def chain(self) -> list[str]:
        """The types of the plugins in the primary network's configuration."""
        return [each["type"] for each in json.loads(self.conf_file.read_text())["plugins"]]
