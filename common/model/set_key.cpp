#include "common/model/set_key.hpp"

#include "common/base/overloaded.hpp"

namespace ambient::model {

SetType type_of(const SetKey& key) {
    const auto by_family = [](Family family, SetType ipv4, SetType ipv6) {
        return family == Family::ipv4 ? ipv4 : ipv6;
    };
    return std::visit(Overloaded{
                          [](const IpAddress& k) { return address_set(k.family()); },
                          [&](const Prefix& k) {
                              return by_family(k.family(), SetType::ipv4_prefix,
                                               SetType::ipv6_prefix);
                          },
                          [](const InterfaceName&) { return SetType::interface; },
                          [](const PortNumber&) { return SetType::port; },
                          [&](const Endpoint& k) {
                              return by_family(k.address.family(), SetType::ipv4_endpoint,
                                               SetType::ipv6_endpoint);
                          },
                      },
                      key);
}

std::string to_string(const SetKey& key) {
    return std::visit(Overloaded{
                          [](const IpAddress& k) { return ambient::to_string(k); },
                          [](const Prefix& k) { return ambient::to_string(k); },
                          [](const InterfaceName& k) { return k.name; },
                          [](const PortNumber& k) { return std::to_string(k.number); },
                          [](const Endpoint& k) {
                              return ambient::to_string(k.address) + " . " + std::to_string(k.port);
                          },
                      },
                      key);
}

}  // namespace ambient::model
