"""An IP address with a port, and its text form as logs and CONNECT authorities use it."""

import dataclasses
import ipaddress


@dataclasses.dataclass(frozen=True)
class Endpoint:
    ip: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Endpoint":
        host, separator, port = text.rpartition(":")
        if not separator or not port.isdigit() or int(port) > 65535:
            raise ValueError(f"not ADDRESS:PORT: {text!r}")
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        return cls(str(ipaddress.ip_address(host)), int(port))

    @classmethod
    def of(cls, sockaddr: tuple) -> "Endpoint":
        """From what getsockname() and getpeername() give, for either family."""
        return cls(str(ipaddress.ip_address(sockaddr[0].partition("%")[0])), sockaddr[1])

    def __str__(self) -> str:
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"
