// The annotations and environment variables of sidecar pods, as Istio names them
// (api/annotation/annotations.gen.go; manifests' injection template). Internal to common/desired.
#pragma once

namespace ambient::desired::sidecar {

inline constexpr const char* kInject = "sidecar.istio.io/inject";  // a label, too
inline constexpr const char* kMode = "sidecar.istio.io/interceptionMode";
inline constexpr const char* kIncludeOutbound = "traffic.sidecar.istio.io/includeOutboundIPRanges";
inline constexpr const char* kExcludeOutbound = "traffic.sidecar.istio.io/excludeOutboundIPRanges";
inline constexpr const char* kIncludeInboundPorts = "traffic.sidecar.istio.io/includeInboundPorts";
inline constexpr const char* kExcludeInboundPorts = "traffic.sidecar.istio.io/excludeInboundPorts";
inline constexpr const char* kIncludeOutboundPorts =
    "traffic.sidecar.istio.io/includeOutboundPorts";
inline constexpr const char* kExcludeOutboundPorts =
    "traffic.sidecar.istio.io/excludeOutboundPorts";
inline constexpr const char* kVirtualInterfaces = "istio.io/reroute-virtual-interfaces";
inline constexpr const char* kKubevirtInterfaces = "traffic.sidecar.istio.io/kubevirtInterfaces";
inline constexpr const char* kExcludeInterfaces = "traffic.sidecar.istio.io/excludeInterfaces";
inline constexpr const char* kAnnotations[] = {
    kInject,
    kMode,
    kIncludeOutbound,
    kExcludeOutbound,
    kIncludeInboundPorts,
    kExcludeInboundPorts,
    kIncludeOutboundPorts,
    kExcludeOutboundPorts,
    kVirtualInterfaces,
    kKubevirtInterfaces,
    kExcludeInterfaces,
};

inline constexpr const char* kDisableEnvoy = "DISABLE_ENVOY";
inline constexpr const char* kModeOfProxy = "ISTIO_META_INTERCEPTION_MODE";
inline constexpr const char* kDnsCapture = "ISTIO_META_DNS_CAPTURE";
inline constexpr const char* kInvalidDrop = "INVALID_DROP";
inline constexpr const char* kOwnerGroups = "ISTIO_OUTBOUND_OWNER_GROUPS";
inline constexpr const char* kOwnerGroupsNot = "ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE";
inline constexpr const char* kLoopback = "ISTIO_OUTBOUND_IPV4_LOOPBACK_CIDR";
inline constexpr const char* kVariables[] = {kDisableEnvoy, kModeOfProxy, kDnsCapture,
                                             kInvalidDrop,  kOwnerGroups, kOwnerGroupsNot,
                                             kLoopback};

}  // namespace ambient::desired::sidecar
