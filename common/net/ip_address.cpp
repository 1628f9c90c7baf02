#include "common/net/ip_address.hpp"

#include <arpa/inet.h>

#include <algorithm>

#include "common/base/parse.hpp"

namespace ambient {
namespace {

// The address with all bits after the first `length` cleared.
IpAddress masked(const IpAddress& address, int length) {
    std::array<std::uint8_t, 16> bytes{};
    const auto from = address.bytes();
    for (std::size_t i = 0; i < from.size(); ++i) {
        const int keep = std::clamp(length - static_cast<int>(i) * 8, 0, 8);
        bytes[i] = static_cast<std::uint8_t>(from[i] & (0xff00U >> keep));
    }
    return *IpAddress::from_bytes({bytes.data(), from.size()});
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    const std::string terminated(text);
    if (terminated.find(char{}) != std::string::npos)
        return std::nullopt;  // inet_pton would stop there
    IpAddress address;
    if (::inet_pton(AF_INET, terminated.c_str(), address.bytes_.data()) == 1) return address;
    address = any(Family::ipv6);
    if (::inet_pton(AF_INET6, terminated.c_str(), address.bytes_.data()) == 1) return address;
    return std::nullopt;
}

std::optional<IpAddress> IpAddress::from_bytes(std::span<const std::uint8_t> bytes) {
    if (bytes.size() != 4 && bytes.size() != 16) return std::nullopt;
    IpAddress address = any(bytes.size() == 4 ? Family::ipv4 : Family::ipv6);
    std::ranges::copy(bytes, address.bytes_.begin());
    return address;
}

IpAddress IpAddress::loopback(Family family) {
    if (family == Family::ipv4) return v4(127, 0, 0, 1);
    IpAddress address = any(Family::ipv6);
    address.bytes_[15] = 1;
    return address;
}

std::string to_string(const IpAddress& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = address.family() == Family::ipv4 ? AF_INET : AF_INET6;
    return ::inet_ntop(family, address.bytes().data(), text.data(), text.size());
}

std::optional<Prefix> Prefix::make(const IpAddress& address, int length) {
    if (length < 0 || length > address_bits(address.family())) return std::nullopt;
    return Prefix(masked(address, length), length);
}

std::optional<Prefix> Prefix::parse(std::string_view text) {
    const auto slash = text.find('/');
    const auto address = IpAddress::parse(text.substr(0, slash));
    if (!address) return std::nullopt;
    if (slash == std::string_view::npos) return host(*address);
    const auto length =
        parse_integer<int>(text.substr(slash + 1), 0, address_bits(address->family()));
    if (!length) return std::nullopt;
    return make(*address, *length);
}

Prefix Prefix::host(const IpAddress& address) { return {address, address_bits(address.family())}; }

Prefix Prefix::everything(Family family) { return {IpAddress::any(family), 0}; }

bool Prefix::contains(const IpAddress& address) const {
    return address.family() == family() && masked(address, length_) == address_;
}

std::string to_string(const Prefix& prefix) {
    if (prefix.is_host()) return to_string(prefix.address());
    return to_string(prefix.address()) + "/" + std::to_string(prefix.length());
}

}  // namespace ambient
