"""Starts the proxies in network namespaces, waits until they serve, and keeps what they log."""

import json
import os
import pathlib
import signal
import subprocess
import threading
import time

READY_TIMEOUT_S = 120  # an Envoy under an emulated CPU needs tens of seconds
STOP_TIMEOUT_S = 20
ISTIO_PROXY_ID = 1337  # uid and gid that the in-pod rules let pass
ENVOY_READY = "starting main dispatch loop"  # said right after listen() (strace of 1.40)


class ProxyError(Exception):
    """A proxy did not start, or did not do in time what was waited for."""


class Proxy:
    """A running proxy: JSON records come from its stdout, text from its stderr."""

    def __init__(self, argv: list[str], netns, identity: tuple[int, int] | None = None):
        """`identity`: user and group; ours when there is none."""
        user = [f"--setuid={identity[0]}", f"--setgid={identity[1]}"] if identity else []
        self._records: list[dict] = []
        self._output: list[str] = []
        self._ended = 0  # how many of the two pipes have
        self._changed = threading.Condition()
        stdout, stdout_end = os.pipe()
        if identity:
            os.fchown(stdout_end, *identity)  # Envoy opens /dev/stdout anew
        self._process = subprocess.Popen(
            ["nsenter", f"--net={netns}", *user, "--", *argv], stdin=subprocess.DEVNULL,
            stdout=stdout_end, stderr=subprocess.PIPE, text=True, errors="replace",
            env={**os.environ, "PYTHONPATH": str(pathlib.Path(__file__).parents[2])})
        os.close(stdout_end)
        records = open(stdout, encoding="utf-8")
        self._threads = [threading.Thread(target=self._follow, args=arguments, daemon=True)
                         for arguments in ((records, self._add_record),
                                           (self._process.stderr, self._output.append))]
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def records(self) -> list[dict]:
        with self._changed:
            return list(self._records)

    def output(self) -> str:
        with self._changed:
            return "".join(self._output)

    def wait_record(self, timeout: float = 60, **wanted) -> dict:
        """The first record that has all these values, waited for."""
        def find() -> dict | None:
            return next((record for record in self._records
                         if wanted.items() <= record.items()), None)
        return self._wait(find, timeout, f"a record with {wanted}")

    def wait_output(self, text: str, timeout: float) -> None:
        self._wait(lambda: any(text in line for line in self._output), timeout, f"output {text!r}")

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def stop(self) -> None:
        """Asks it to end; ProxyError if it does not, or not cleanly."""
        self.signal(signal.SIGTERM)
        try:
            status = self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ProxyError(f"still there {STOP_TIMEOUT_S} s after SIGTERM:\n{self.output()}")
        self._join()
        if status != 0:
            raise ProxyError(f"ended with status {status}:\n{self.output()}")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._join()

    def _join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _add_record(self, line: str) -> None:
        self._records.append(json.loads(line))

    def _follow(self, pipe, add) -> None:
        with pipe:
            for line in pipe:
                with self._changed:
                    add(line)
                    self._changed.notify_all()
        with self._changed:
            self._ended += 1
            self._changed.notify_all()

    def _wait(self, find, timeout: float, what: str):
        """Waits until find() gives something true; it is called with the lock held."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while not (found := find()):
                left = deadline - time.monotonic()
                if left <= 0 or self._ended == len(self._threads):
                    reason = f"within {timeout} s" if left <= 0 else "before the proxy ended"
                    raise ProxyError(f"no {what} {reason}; records {self._records}, output:\n"
                                     + "".join(self._output))
                self._changed.wait(left)
            return found


class Ztunnel(Proxy):
    def connect_xds(self, timeout: float = 60) -> dict:
        """One exchange over a connection of its own (start_ztunnel's xds); its record."""
        def count() -> int:
            return sum(record.get("listener") == "xds" for record in self._records)
        before = count()
        self.signal(signal.SIGUSR1)
        self._wait(lambda: count() > before, timeout, "xds record")
        return [record for record in self.records() if record.get("listener") == "xds"][before]


def start_ztunnel(netns, address: str, node: str, certs, workloads, dns_answer: str | None = None,
                  xds: str | None = None) -> Ztunnel:
    """The stand-in, listening when this returns."""
    argv = ["/usr/bin/python3", "-m", "support.proxies.ztunnel", f"--address={address}", f"--node={node}",
            f"--certs={certs}", f"--workloads={workloads}"]
    argv += [f"--dns-answer={dns_answer}"] if dns_answer else []
    argv += [f"--xds={xds}"] if xds else []
    return _ready(Ztunnel(argv, netns), lambda proxy: proxy.wait_record(READY_TIMEOUT_S,
                                                                        event="ready"))


def start_envoy(netns, bootstrap: dict,
                identity: tuple[int, int] = (ISTIO_PROXY_ID, ISTIO_PROXY_ID)) -> Proxy:
    """An Envoy as this user and group, serving when this returns."""
    if not (program := os.environ.get("AMBIENT_ENVOY")):
        raise ProxyError("the environment's AMBIENT_ENVOY must be the path of an envoy program")
    argv = [program, "--config-yaml", json.dumps(bootstrap), "--concurrency", "1",
            "--disable-hot-restart", "--file-flush-interval-msec", "100",
            "--log-level", "warning", "--component-log-level", "main:info"]
    return _ready(Proxy(argv, netns, identity),
                  lambda proxy: proxy.wait_output(ENVOY_READY, READY_TIMEOUT_S))


def _ready(proxy, wait):
    try:
        wait(proxy)
    except ProxyError:
        proxy.kill()
        raise
    return proxy
