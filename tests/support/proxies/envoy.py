"""Configuration of the real Envoys in the tests: the sidecar of a pod, and a waypoint.

As far as packets go these behave as Istio's (virtualOutbound, virtualInbound, the waypoint's
connect_terminate), with a fixed table of routes instead of a control plane.
"""

import dataclasses

from . import envoy_parts as parts
from .address import Endpoint
from .certs import CertificateFolder

OUTBOUND_PORT = 15001
INBOUND_PORT = 15006
HBONE_PORT = 15008
HEALTH_PORT = 15021
# The in-pod rules let connections from these addresses pass to the application (Istio's
# InboundPassthroughClusterIpv4 and ...Ipv6).
INBOUND_SOURCES = {"0.0.0.0": "127.0.0.6", "::": "::6"}
DNS_PORT = 15053
TRANSPARENT_MARK = 1337  # of Envoy's connections in the client's name


@dataclasses.dataclass(frozen=True)
class Route:
    """Connections to `destination` go to `upstream`: plainly, or in a CONNECT at `gateway`."""
    destination: str
    upstream: str
    gateway: str | None = None
    gateway_identity: str | None = None

    @property
    def authority(self) -> str | None:
        return self.upstream if self.gateway else None

    def cluster(self, identity: parts.Identity) -> dict:
        if not self.gateway:
            return parts.static_cluster(self.destination, Endpoint.parse(self.upstream))
        return parts.static_cluster(self.destination, Endpoint.parse(self.gateway),
                                    **identity.client(self.gateway_identity),
                                    **parts.http2_upstream())


def sidecar(certs: CertificateFolder, namespace: str, service_account: str,
            routes: list[Route], transparent: bool = False,
            known: dict[str, str] | None = None, resolver: Endpoint | None = None,
            dns_at: tuple[str, ...] = ("127.0.0.1", "::1")) -> dict:
    """Bootstrap of a sidecar proxy; see README.md for its ports. `transparent`: for interception by
    TPROXY. With a `resolver` it answers DNS questions, too."""
    identity = parts.Identity(certs.path, namespace, service_account)
    outbound = parts.listener("outbound", OUTBOUND_PORT,
                              [parts.tcp_proxy("outbound", "passthrough")])
    outbound["default_filter_chain"] = outbound["filter_chains"][0]
    outbound["filter_chains"] = [_outbound_chain(route) for route in routes]
    inbound = parts.listener("inbound", INBOUND_PORT, [])
    inbound["filter_chains"] = [_inbound_chain(family) for family in INBOUND_SOURCES]
    for listener in (outbound, inbound):
        listener["listener_filters"] = [parts.original_destination_filter()]
    if transparent:
        inbound["transparent"] = True
        inbound["listener_filters"].append(parts.original_source_filter(TRANSPARENT_MARK))
    dns = [parts.dns_listener(f"dns-{ip}", ip, DNS_PORT, known or {}, resolver)
           for ip in dns_at] if resolver else []
    return _bootstrap(
        [outbound, inbound, _health_listener(), *dns],
        [parts.original_destination_cluster("passthrough"),
         *(_application(family, source, transparent) for family, source in INBOUND_SOURCES.items()),
         *(route.cluster(identity) for route in routes)])


def _inbound_chain(family: str) -> dict:
    return {"filter_chain_match": {"prefix_ranges": [{"address_prefix": family, "prefix_len": 0}]},
            "filters": [parts.tcp_proxy("inbound", f"application {family}")]}


def _application(family: str, source: str, transparent: bool) -> dict:
    bound = {} if transparent else {
        "upstream_bind_config": {"source_address": {"address": source, "port_value": 0}}}
    return parts.original_destination_cluster(f"application {family}", **bound)


def waypoint(certs: CertificateFolder, namespace: str, service_account: str, routes: list[Route],
             plain: int | None = None) -> dict:
    """Bootstrap of a waypoint; `plain` is a port that goes by the first route without HBONE."""
    identity = parts.Identity(certs.path, namespace, service_account)
    manager = parts.http_manager(
        "hbone", [_connect_host(route) for route in routes], codec_type="HTTP2",
        http2_protocol_options={"allow_connect": True},
        upgrade_configs=[{"upgrade_type": "CONNECT"}],
        access_log=parts.access_log("hbone", "%REQ(X-ENVOY-ORIGINAL-HOST?:AUTHORITY)%"),
        access_log_options={"flush_log_on_tunnel_successfully_established": True})
    listeners = [parts.listener("hbone", HBONE_PORT, [manager], **identity.server()),
                 _health_listener()]
    if plain:
        first = routes[0]
        proxy = parts.tcp_proxy("plain", first.destination, first.authority)
        listeners.append(parts.listener("plain", plain, [proxy]))
    return _bootstrap(listeners, [route.cluster(identity) for route in routes])


def _outbound_chain(route: Route) -> dict:
    destination = Endpoint.parse(route.destination)
    prefix = {"address_prefix": destination.ip, "prefix_len": 128 if ":" in destination.ip else 32}
    return {"filter_chain_match": {"prefix_ranges": [prefix],
                                   "destination_port": destination.port},
            "filters": [parts.tcp_proxy("outbound", route.destination, route.authority)]}


def _connect_host(route: Route) -> dict:
    """The CONNECT for route.destination: passed on as a CONNECT, or ended here and sent as TCP."""
    action = {"cluster": route.destination, "timeout": "0s",
              "upgrade_configs": [{"upgrade_type": "CONNECT",
                                   **({} if route.gateway else {"connect_config": {}})}]}
    if route.gateway:
        action["host_rewrite_literal"] = route.upstream
    return {"name": route.destination, "domains": [route.destination],
            "routes": [{"match": {"connect_matcher": {}}, "route": action}]}


def _health_listener() -> dict:
    healthy = {"match": {"prefix": "/"}, "direct_response": {"status": 200}}
    host = {"name": "health", "domains": ["*"], "routes": [healthy]}
    return parts.listener("health", HEALTH_PORT, [parts.http_manager("health", [host])])


def _bootstrap(listeners: list[dict], clusters: list[dict]) -> dict:
    # Without it a tunnel is reset as soon as the server's direction ends before the client's.
    half_close = {"envoy.reloadable_features.allow_multiplexed_upstream_half_close": True}
    return {"static_resources": {"listeners": listeners, "clusters": clusters},
            "layered_runtime": {"layers": [{"name": "static", "static_layer": half_close}]},
            # Statistics that nobody reads cost memory and time under an emulated CPU.
            "stats_config": {"stats_matcher": {"reject_all": True}}}
