"""The contract's kernel state, programmed by `ip` and `nft`: proves the harness, and is the product's second opinion."""

from __future__ import annotations

from model import Node
from netns import Netns


def node_ruleset(ztunnel: str, ztunnel_veth: str, enrolled: list[str]) -> str:
    elements = f"elements = {{ {', '.join(enrolled)} }}" if enrolled else ""
    return f"""
table inet ambient {{}}
delete table inet ambient
table inet ambient {{
  set pods4 {{ type ipv4_addr; {elements} }}
  chain prerouting {{
    type filter hook prerouting priority mangle; policy accept;
    iifname {{ "istioin", "istioout" }} counter meta mark set meta mark | 0x200 return
    udp dport 6081 return
    meta l4proto != tcp meta mark set meta mark | 0x200 return
    ct mark & 0x220 == 0x220 counter meta mark set meta mark | 0x200 return
    iifname != "{ztunnel_veth}" ct mark & 0x210 == 0x210 counter meta mark set meta mark | 0x40 return
    iifname "{ztunnel_veth}" ip saddr != {ztunnel} counter meta mark set meta mark | 0x210 ct mark set ct mark | 0x210 return
    iifname "{ztunnel_veth}" counter meta mark set meta mark | 0x220 ct mark set ct mark | 0x220 return
    ct state established,related ct mark & 0x230 == 0 counter meta mark set meta mark | 0x200 return
    ip saddr @pods4 counter meta mark set meta mark | 0x100
  }}
  chain nat_pre {{
    type nat hook prerouting priority dstnat - 10; policy accept;
    ip saddr @pods4 udp dport 53 counter dnat ip to {ztunnel}:15053
    meta mark & 0x100 == 0x100 counter dnat ip to ip daddr
  }}
  chain nat_post {{
    type nat hook postrouting priority srcnat - 10; policy accept;
    meta mark & 0x100 == 0x100 counter snat ip to ip saddr
    oifname "istioin" counter snat ip to ip saddr
  }}
  chain output {{
    type route hook output priority -90; policy accept;
    ct mark & 0x210 == 0x210 counter meta mark set meta mark | 0x40 accept
    ip daddr @pods4 counter meta mark set meta mark | 0x200 ct mark set ct mark | 0x220
  }}
}}
"""


def ztunnel_ruleset(ztunnel: str) -> str:
    def to(chain: str, port: int) -> str:
        return f"""
  chain {chain} {{
    meta l4proto tcp meta nfproto ipv4 tproxy ip to 127.0.0.1:{port} meta mark set meta mark & 0xfffff400 | 0x400 accept
    counter drop
  }}"""

    return f"""
table inet ambient {{}}
delete table inet ambient
table inet ambient {{
{to("to_inbound", 15008)}{to("to_outbound", 15001)}{to("to_plaintext", 15006)}
  chain prerouting {{
    type filter hook prerouting priority mangle; policy accept;
    iifname "pistioin" tcp dport 15008 counter jump to_inbound
    iifname "pistioout" meta l4proto tcp counter jump to_outbound
    iifname "pistioin" meta l4proto tcp counter jump to_plaintext
    iifname "eth0" ip daddr != {ztunnel} meta l4proto tcp counter meta mark set meta mark & 0xfffff4d3 | 0x4d3
  }}
}}
"""


def _geneve(name: str, vni: int, remote: str, address: str) -> list[str]:
    return [
        f"link add {name} type geneve id {vni} remote {remote} dstport 6081",
        f"addr add {address}/30 dev {name}",
        f"link set {name} up",
    ]


class ReferenceDatapath:
    """One node, set up and torn down by hand-written commands."""

    def __init__(
        self,
        node: Node,
        node_netns: Netns,
        ztunnel_netns: Netns,
        ztunnel: str,
        veths: dict[str, str],
        ztunnel_pod: str,
    ) -> None:
        self._node = node
        self._node_netns = node_netns
        self._ztunnel_netns = ztunnel_netns
        self._ztunnel = ztunnel
        self._veths = veths  # host veth by pod name
        self._ztunnel_veth = veths[ztunnel_pod]

    def start(self, enrolled: dict[str, str]) -> None:
        """Programs node and ztunnel namespace; `enrolled` maps pod names to addresses."""
        zt, veth = self._ztunnel, self._ztunnel_veth
        for device in (veth, *(self._veths[name] for name in enrolled)):
            self._node_netns.sysctl(f"ipv4/conf/{device}/rp_filter", 2)
        self._node_netns.ip(
            *_geneve("istioin", 1000, zt, "192.168.126.1"),
            *_geneve("istioout", 1001, zt, "192.168.127.1"),
        )
        for device in ("istioin", "istioout"):
            self._node_netns.sysctl(f"ipv4/conf/{device}/rp_filter", 2)
        self._node_netns.ip(
            *(f"route add {zt} dev {veth} scope link table {table}" for table in (100, 101, 102)),
            "route add default via 192.168.127.2 dev istioout table 101",
            f"route add default via {zt} dev {veth} onlink table 102",
            *(
                f"route add {address} via 192.168.126.2 dev istioin src {self._node.host_ip} table 100"
                for address in enrolled.values()
            ),
            "rule add priority 100 fwmark 0x200/0x200 goto 32766",
            "rule add priority 101 fwmark 0x100/0x100 lookup 101",
            "rule add priority 102 fwmark 0x40/0x40 lookup 102",
            "rule add priority 103 lookup 100",
        )
        self._ztunnel_netns.ip(
            *_geneve("pistioin", 1000, self._node.host_ip, "192.168.126.2"),
            *_geneve("pistioout", 1001, self._node.host_ip, "192.168.127.2"),
            "route add local default dev lo table 100",
            "rule add priority 20000 fwmark 0x400/0xfff lookup 100",
            "rule add priority 20003 fwmark 0x4d3/0xfff lookup 100",
        )
        for device in ("pistioin", "pistioout"):
            self._ztunnel_netns.sysctl(f"ipv4/conf/{device}/rp_filter", 2)
        self.load_filter(enrolled)

    def load_filter(self, enrolled: dict[str, str]) -> None:
        self._ztunnel_netns.nft(ztunnel_ruleset(self._ztunnel))
        self._node_netns.nft(node_ruleset(self._ztunnel, self._ztunnel_veth, list(enrolled.values())))
