"""The pieces of Envoy configuration that envoy.py puts together: pure functions to plain dicts."""

from .address import Endpoint
from .certs import certificate_path

_TYPES = "type.googleapis.com/envoy.extensions."


def typed(name: str, kind: str, **fields) -> dict:
    """An extension: its instance name and its configuration of message type `kind`."""
    return {"name": name, "typed_config": {"@type": _TYPES + kind, **fields}}


def address(endpoint: Endpoint) -> dict:
    return {"socket_address": {"address": endpoint.ip, "port_value": endpoint.port}}


def access_log(listener: str, authority: str | None) -> list[dict]:
    """Records to stdout with the keys of the ztunnel stand-in's log."""
    record = {"event": "%ACCESS_LOG_TYPE%", "listener": listener, "authority": authority,
              "src": "%DOWNSTREAM_REMOTE_ADDRESS%", "dst": "%DOWNSTREAM_LOCAL_ADDRESS%",
              "identity": "%DOWNSTREAM_PEER_URI_SAN%", "upstream": "%UPSTREAM_HOST%",
              "upstream_src": "%UPSTREAM_LOCAL_ADDRESS%", "received": "%BYTES_RECEIVED%",
              "sent": "%BYTES_SENT%", "flags": "%RESPONSE_FLAGS%",
              "error": "%UPSTREAM_TRANSPORT_FAILURE_REASON%"}
    return [typed("stdout", "access_loggers.stream.v3.StdoutAccessLog",
                  log_format={"json_format": record})]


def tcp_proxy(listener: str, cluster: str, authority: str | None = None) -> dict:
    """Copies to the cluster; with an authority inside a CONNECT for it."""
    tunnel = {"tunneling_config": {"hostname": authority}} if authority else {}
    return typed("tcp_proxy", "filters.network.tcp_proxy.v3.TcpProxy", stat_prefix=listener,
                 cluster=cluster, access_log=access_log(listener, authority),
                 access_log_options={"flush_access_log_on_connected": True}, **tunnel)


def http_manager(listener: str, routes: list[dict], **fields) -> dict:
    """Serves HTTP; `routes` are virtual hosts."""
    router = typed("router", "filters.http.router.v3.Router")
    return typed("http", "filters.network.http_connection_manager.v3.HttpConnectionManager",
                 stat_prefix=listener, http_filters=[router],
                 route_config={"virtual_hosts": routes}, **fields)


def listener(name: str, port: int, filters: list[dict], **chain) -> dict:
    return {"name": name, "address": address(Endpoint("0.0.0.0", port)),
            "additional_addresses": [{"address": address(Endpoint("::", port))}],
            "filter_chains": [{"filters": filters, **chain}]}


def dns_listener(name: str, ip: str, port: int, known: dict[str, str], resolver: Endpoint) -> dict:
    """Answers questions about the `known` names, and asks the resolver for all others."""
    domains = [{"name": domain, "endpoint": {"address_list": {"address": [answer]}}}
               for domain, answer in known.items()]
    ask = typed("cares", "network.dns_resolver.cares.v3.CaresDnsResolverConfig",
                resolvers=[address(resolver)], dns_resolver_options={"use_tcp_for_dns_lookups": False})
    filters = [typed("dns", "filters.udp.dns_filter.v3.DnsFilterConfig", stat_prefix=name,
                     server_config={"inline_dns_table": {"virtual_domains": domains}},
                     client_config={"typed_dns_resolver_config": ask, "max_pending_lookups": 8})]
    where = {"socket_address": {"protocol": "UDP", "address": ip, "port_value": port}}
    return {"name": name, "address": where, "listener_filters": filters}


def original_destination_filter() -> dict:
    """Takes the address from before the REDIRECT (SO_ORIGINAL_DST) as the connection's own."""
    return typed("original_dst", "filters.listener.original_dst.v3.OriginalDst")


def original_source_filter(mark: int) -> dict:
    """Makes the connection to the upstream in the client's name."""
    return typed("original_src", "filters.listener.original_src.v3.OriginalSrc", mark=mark)


def static_cluster(name: str, endpoint: Endpoint, **fields) -> dict:
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": address(endpoint)}}]}]
    return {"name": name, "type": "STATIC", "connect_timeout": "20s",
            "load_assignment": {"cluster_name": name, "endpoints": endpoints}, **fields}


def original_destination_cluster(name: str, **fields) -> dict:
    return {"name": name, "type": "ORIGINAL_DST", "lb_policy": "CLUSTER_PROVIDED",
            "connect_timeout": "20s", **fields}


def http2_upstream() -> dict:
    kind = "upstreams.http.v3.HttpProtocolOptions"
    options = {"@type": _TYPES + kind, "explicit_http_config": {"http2_protocol_options": {}},
               "common_http_protocol_options": {"idle_timeout": "1s"}}
    # No tunnels in a connection made before: each connection of a test then shows a handshake on
    # its whole path. (max_requests_per_connection: 1 would lose data still to be sent when the
    # server's direction ends first.)
    return {"connection_pool_per_downstream_connection": True,
            "typed_extension_protocol_options": {f"envoy.extensions.{kind}": options}}


class Identity:
    """A workload's certificate as Envoy's TLS configuration; contents inline, for Envoy runs as a
    user who may not be able to read the folder."""

    def __init__(self, folder, namespace: str, service_account: str):
        path = certificate_path(folder, namespace, service_account)
        self._certificate = {
            "certificate_chain": {"inline_string": path.read_text()},
            "private_key": {"inline_string": path.with_suffix(".key").read_text()}}
        self._authority = {"inline_string": (path.parent / "ca.pem").read_text()}

    def server(self) -> dict:
        """Demands a certificate of the same authority, whoever's."""
        return {"transport_socket": typed(
            "tls", "transport_sockets.tls.v3.DownstreamTlsContext",
            require_client_certificate=True, common_tls_context=self._common())}

    def client(self, server_identity: str) -> dict:
        """Demands that the server has this SPIFFE identity."""
        expected = [{"san_type": "URI", "matcher": {"exact": server_identity}}]
        return {"transport_socket": typed(
            "tls", "transport_sockets.tls.v3.UpstreamTlsContext",
            common_tls_context=self._common(match_typed_subject_alt_names=expected))}

    def _common(self, **validation) -> dict:
        version = "TLSv1_3"  # said, for Envoy's clients stop at 1.2 by default
        return {"tls_certificates": [self._certificate], "alpn_protocols": ["h2"],
                "tls_params": {"tls_minimum_protocol_version": version,
                               "tls_maximum_protocol_version": version},
                "validation_context": {"trusted_ca": self._authority, **validation}}
