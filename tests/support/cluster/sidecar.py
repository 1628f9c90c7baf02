"""In-pod redirection of a sidecar pod, as istio-init programs it: a fixture, the product does not
own these rules."""

from __future__ import annotations

from support.netns import Netns

PROXY_ID = 1337  # uid and gid that the proxy runs as
OUTBOUND_PORT, INBOUND_PORT = 15001, 15006
OWN_PORTS = (15008, 15020, 15021, 15090)  # never redirected

_TO_ITSELF = "-o lo ! -d 127.0.0.1/32 -p tcp ! --dport 15008"
_OWNER_RULES = "".join(f"""
-A ISTIO_OUTPUT {_TO_ITSELF} -m owner --{kind}-owner {PROXY_ID} -j ISTIO_IN_REDIRECT
-A ISTIO_OUTPUT -o lo -m owner ! --{kind}-owner {PROXY_ID} -j RETURN
-A ISTIO_OUTPUT -m owner --{kind}-owner {PROXY_ID} -j RETURN""" for kind in ("uid", "gid"))

RULES = f"""*nat
:ISTIO_INBOUND - [0:0]
:ISTIO_IN_REDIRECT - [0:0]
:ISTIO_OUTPUT - [0:0]
:ISTIO_REDIRECT - [0:0]
-A PREROUTING -p tcp -j ISTIO_INBOUND
-A OUTPUT -p tcp -j ISTIO_OUTPUT
{"".join(f"-A ISTIO_INBOUND -p tcp --dport {port} -j RETURN{chr(10)}" for port in OWN_PORTS)}\
-A ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT
-A ISTIO_IN_REDIRECT -p tcp -j REDIRECT --to-ports {INBOUND_PORT}
-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports {OUTBOUND_PORT}
-A ISTIO_OUTPUT -s 127.0.0.6/32 -o lo -j RETURN{_OWNER_RULES}
-A ISTIO_OUTPUT -d 127.0.0.1/32 -j RETURN
-A ISTIO_OUTPUT -j ISTIO_REDIRECT
COMMIT
"""


def redirect(pod: Netns) -> None:
    """Turns the attached pod's traffic to the proxy that will run in it."""
    pod.command("iptables-nft-restore", stdin=RULES)
