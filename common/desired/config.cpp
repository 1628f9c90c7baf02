#include "common/desired/config.hpp"

namespace ambient::desired {
namespace {

IpAddress address(const char* text) { return IpAddress::parse(text).value(); }

}  // namespace

Datapath::Datapath()
    : inbound{.node_link = "istioin",
              .ztunnel_link = "pistioin",
              .vni = 1000,
              .node_address4 = IpAddress::v4(192, 168, 126, 1),
              .ztunnel_address4 = IpAddress::v4(192, 168, 126, 2),
              .node_address6 = address("fd00:126::1"),
              .ztunnel_address6 = address("fd00:126::2")},
      outbound{.node_link = "istioout",
               .ztunnel_link = "pistioout",
               .vni = 1001,
               .node_address4 = IpAddress::v4(192, 168, 127, 1),
               .ztunnel_address4 = IpAddress::v4(192, 168, 127, 2),
               .node_address6 = address("fd00:127::1"),
               .ztunnel_address6 = address("fd00:127::2")} {}

}  // namespace ambient::desired
