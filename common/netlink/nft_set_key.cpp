#include "common/netlink/nft_set_key.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "common/base/overloaded.hpp"
#include "common/netlink/nft_layout.hpp"

namespace ambient::netlink::nft {
namespace {

KeyBytes bytes_of(const IpAddress& address) { return KeyBytes::of(address.bytes()).value(); }

void append_port(KeyBytes& key, std::uint16_t port) {
    key.bytes.at(key.size++) = static_cast<std::uint8_t>(port >> 8);
    key.bytes.at(key.size++) = static_cast<std::uint8_t>(port);
}

std::uint16_t port_at(std::span<const std::uint8_t> bytes) {
    return static_cast<std::uint16_t>(bytes[0] << 8 | bytes[1]);
}

// The first address behind a prefix; nothing behind the last one of all.
std::optional<KeyBytes> behind(const Prefix& prefix) {
    auto key = bytes_of(prefix.address());
    auto bit = prefix.length();
    while (bit > 0) {
        --bit;
        auto& byte = key.bytes.at(static_cast<std::size_t>(bit / 8));
        const auto value = static_cast<std::uint8_t>(0x80U >> bit % 8);
        byte ^= value;
        if ((byte & value) != 0) return key;  // no carry
    }
    return std::nullopt;
}

// The prefix from `first` to the address before `end`.
std::optional<Prefix> prefix_of(const KeyBytes& first, const std::optional<KeyBytes>& end) {
    const auto address = IpAddress::from_bytes(first.span());
    if (!address) return std::nullopt;
    for (int length = address_bits(address->family()); length >= 0; --length) {
        const auto prefix = *Prefix::make(*address, length);
        if (prefix.address() != *address) return std::nullopt;
        if (behind(prefix) == end) return prefix;
    }
    return std::nullopt;
}

bool is_zero(const KeyBytes& key) {
    return std::ranges::all_of(key.span(), [](std::uint8_t byte) { return byte == 0; });
}

std::optional<std::vector<model::SetElement>> prefixes_of(std::vector<WireElement> elements) {
    // At one address, the end of what is before comes first.
    std::ranges::sort(elements, {}, [](const WireElement& e) { return std::pair(e.key, !e.ends); });
    std::vector<model::SetElement> prefixes;
    for (auto at = elements.begin(); at != elements.end(); ++at) {
        if (at->ends) {
            // nft(8) says that nothing is before the first element.
            if (at == elements.begin() && is_zero(at->key)) continue;
            return std::nullopt;
        }
        const auto next = std::next(at);
        const bool open = next == elements.end();
        if (!open && !next->ends) return std::nullopt;
        const auto prefix = prefix_of(at->key, open ? std::nullopt : std::optional(next->key));
        if (!prefix) return std::nullopt;
        prefixes.push_back({*prefix, std::move(at->comment)});
        if (!open) at = next;
    }
    return prefixes;
}

std::optional<model::SetKey> decode_key(model::SetType type, const KeyBytes& key) {
    using enum model::SetType;
    const auto bytes = key.span();
    switch (type) {
        case ipv4_address:
        case ipv6_address: return IpAddress::from_bytes(bytes);
        case interface: {
            const auto end = std::ranges::find(bytes, 0);
            if (end == bytes.end()) return std::nullopt;
            return model::InterfaceName{std::string(bytes.begin(), end)};
        }
        case port:
            if (key.size != 2) return std::nullopt;
            return model::PortNumber{port_at(bytes)};
        case ipv4_endpoint:
        case ipv6_endpoint: {
            const std::size_t size = type == ipv4_endpoint ? 4 : 16;
            if (key.size != size + 4) return std::nullopt;
            return model::Endpoint{.address = *IpAddress::from_bytes(bytes.first(size)),
                                   .port = port_at(bytes.subspan(size))};
        }
        case ipv4_prefix:
        case ipv6_prefix: break;
    }
    return std::nullopt;
}

}  // namespace

std::optional<KeyBytes> KeyBytes::of(std::span<const std::uint8_t> from) {
    KeyBytes key;
    if (from.size() > key.bytes.size()) return std::nullopt;
    std::ranges::copy(from, key.bytes.begin());
    key.size = from.size();
    return key;
}

std::vector<WireElement> encode_element(const model::SetElement& element) {
    std::vector<WireElement> wire{{.key = {}, .comment = element.comment}};
    auto& key = wire.front().key;
    std::visit(Overloaded{
                   [&](const IpAddress& k) { key = bytes_of(k); },
                   [&](const Prefix& k) {
                       key = bytes_of(k.address());
                       if (auto end = behind(k)) wire.push_back({*std::move(end), true});
                   },
                   [&](const model::InterfaceName& k) {
                       std::ranges::copy(std::string_view(k.name).substr(0, kInterfaceNameSize),
                                         key.bytes.begin());
                       key.size = kInterfaceNameSize;
                   },
                   [&](const model::PortNumber& k) { append_port(key, k.number); },
                   [&](const model::Endpoint& k) {
                       key = bytes_of(k.address);
                       append_port(key, k.port);
                       key.size += 2;
                   },
               },
               element.key);
    return wire;
}

std::optional<std::vector<model::SetElement>> decode_elements_of(
    model::SetType type, std::vector<WireElement> elements) {
    if (model::is_prefix_set(type)) return prefixes_of(std::move(elements));
    std::vector<model::SetElement> decoded;
    decoded.reserve(elements.size());
    for (auto& element : elements) {
        auto key = decode_key(type, element.key);
        if (!key || element.ends || model::type_of(*key) != type) return std::nullopt;
        decoded.push_back({*std::move(key), std::move(element.comment)});
    }
    return decoded;
}

}  // namespace ambient::netlink::nft
