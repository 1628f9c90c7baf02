"""Kubernetes on one node, each program of it the real one, in the network namespace of the tests.
For a machine of its own: it takes /etc/cni/net.d, /opt/cni/bin and the root's mount propagation."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from support.cni import DEBIAN_PLUGINS
from support.containerd import CNI_BIN, CNI_CONF
from support.fake_apiserver import write_kubeconfig
from support.kube.cri import CriRuntime
from support.netns import Netns, run_command

NODE, ADDRESS, GATEWAY, TOKEN = "worker-1", "192.168.77.2", "192.168.77.1", "admin-token"
TAINT = "ambient-cni.dev/not-ready"
CONFLIST = """\
{
  "cniVersion": "1.0.0",
  "name": "pods",
  "plugins": [
    {"type": "ptp", "ipMasq": true, "mtu": 1450,
     "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.244.0.0/24"}]],
              "routes": [{"dst": "0.0.0.0/0"}]}},
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
"""
START_TIMEOUT = 300  # seconds, on an emulated CPU


class Kubernetes:
    """Context manager. `programs` is a folder with etcd and a release's kube-apiserver,
    kube-controller-manager, kube-scheduler, kube-proxy and kubelet. Logs go to `folder`."""

    conflist = CNI_CONF / "10-pods.conflist"

    def __init__(self, folder: Path, programs: Path, kubectl: Path, image: Path) -> None:
        self._folder, self._programs, self._kubectl, self._image = folder, programs, kubectl, image
        self._kubeconfig = folder / "kubeconfig"
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.netns = Netns("node")
        self.netns.path = Path("/proc/self/ns/net")

    def __enter__(self) -> Kubernetes:
        with contextlib.ExitStack() as stack:
            stack.callback(self._kill_all)
            self._prepare()
            self._start_control_plane()
            self._cri = stack.enter_context(
                CriRuntime(self._folder / "containerd", self.netns, CNI_CONF, CNI_BIN)
            )
            self._cri.import_image(self._image)
            self.start_kubelet()
            self.kubectl("wait", f"node/{NODE}", "--for=create")
            self.kubectl("wait", f"node/{NODE}", "--for=condition=Ready")
            self._ended = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.close()

    def kubectl(self, *args: str, timeout: int = START_TIMEOUT) -> str:
        """Its output. `wait`, `rollout status` and `delete` wait as long as `timeout`."""
        waits = args[0] in ("wait", "delete") or args[:2] == ("rollout", "status")
        limit = [f"--timeout={timeout}s"] if waits else []
        command = [self._kubectl, f"--kubeconfig={self._kubeconfig}", *args, *limit]
        done = subprocess.run(command, text=True, capture_output=True, timeout=2 * timeout)
        assert done.returncode == 0, f"kubectl {' '.join(args)}: {done.stdout}{done.stderr}"
        return done.stdout

    def get(self, *args: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.kubectl("get", *args, "-o", "json"))
        return found

    # Programs ------------------------------------------------------------------------------------

    def _start(self, program: str, *options: str) -> None:
        with open(self._folder / f"{program}.log", "ab") as log:
            self._running[program] = subprocess.Popen(
                [self._programs / program, *options], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def kill(self, program: str) -> None:
        process = self._running.pop(program)
        process.kill()
        process.wait()

    def kill_agent(self) -> None:
        """As the kernel kills it."""
        run_command(["pkill", "--signal", "KILL", "--full", "--oldest", "^[^ ]*/ambient-node-agent --config"])

    def _kill_all(self) -> None:
        for program in reversed(list(self._running)):
            self.kill(program)

    def _prepare(self) -> None:
        run_command(["mount", "--make-rshared", "/"])  # as systemd does
        self.netns.ip(
            "link add eth0 type dummy",
            f"addr add {ADDRESS}/24 dev eth0",
            "link set eth0 up",
            f"route add default via {GATEWAY} dev eth0",
        )
        self._folder.mkdir(parents=True, exist_ok=True)
        for folder in (CNI_CONF, CNI_BIN):
            folder.mkdir(parents=True, exist_ok=True)
            assert not any(folder.iterdir()), f"{folder} is not empty: not a machine of its own"
        for plugin in Path(DEBIAN_PLUGINS).iterdir():
            shutil.copy(plugin, CNI_BIN)
        self.conflist.write_text(CONFLIST)
        write_kubeconfig(
            self._kubeconfig,
            f"https://{ADDRESS}:6443",
            {"insecure-skip-tls-verify": True},
            {"token": TOKEN},
        )

    def _start_control_plane(self) -> None:
        key, public = self._folder / "accounts.key", self._folder / "accounts.pub"
        run_command(["openssl", "genrsa", "-out", str(key), "2048"])
        run_command(["openssl", "rsa", "-in", str(key), "-pubout", "-out", str(public)])
        (self._folder / "tokens.csv").write_text(f"{TOKEN},admin,admin,system:masters\n")
        self._start(
            "etcd",
            f"--data-dir={self._folder}/etcd",
            "--unsafe-no-fsync",
            "--listen-client-urls=http://127.0.0.1:2379",
            "--advertise-client-urls=http://127.0.0.1:2379",
            "--listen-peer-urls=http://127.0.0.1:2380",
        )
        self.start_api_server()
        admin = f"--kubeconfig={self._kubeconfig}"
        self._start(
            "kube-controller-manager",
            admin,
            f"--root-ca-file={self._folder}/certificates/apiserver.crt",
            f"--service-account-private-key-file={key}",
            "--leader-elect=false",
        )
        self._start("kube-scheduler", admin, "--leader-elect=false")
        self._start("kube-proxy", admin, f"--hostname-override={NODE}", "--conntrack-max-per-core=0")

    def start_api_server(self) -> None:
        """Returns when it is ready."""
        self._start(
            "kube-apiserver",
            "--etcd-servers=http://127.0.0.1:2379",
            f"--advertise-address={ADDRESS}",
            f"--cert-dir={self._folder}/certificates",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--authorization-mode=RBAC",
            f"--token-auth-file={self._folder}/tokens.csv",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self._folder}/accounts.pub",
            f"--service-account-signing-key-file={self._folder}/accounts.key",
        )
        run_command(
            ["curl", "--silent", "--fail", "--insecure", "--output", "/dev/null",
             "--header", f"Authorization: Bearer {TOKEN}", f"https://{ADDRESS}:6443/readyz",
             "--retry", "100", "--retry-delay", "1", "--retry-all-errors"]
        )  # fmt: skip

    def start_kubelet(self) -> None:
        config = {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
            "authorization": {"mode": "AlwaysAllow"},
            "cgroupDriver": "cgroupfs",
            "failSwapOn": False,
            "containerRuntimeEndpoint": f"unix://{self._cri.socket}",
            "registerWithTaints": [{"key": TAINT, "effect": "NoSchedule"}],
            # The disk of the machine that runs the VM is none of the node's.
            "evictionHard": {"nodefs.available": "0%", "imagefs.available": "0%"},
            "imageGCHighThresholdPercent": 100,
        }
        file = self._folder / "kubelet.json"
        file.write_text(json.dumps(config))
        self._start(
            "kubelet",
            f"--config={file}",
            f"--kubeconfig={self._kubeconfig}",
            f"--root-dir={self._folder}/kubelet",
            f"--hostname-override={NODE}",
            f"--node-ip={ADDRESS}",
        )
