// IP addresses and prefixes of either family as values. Pure; no function here touches a socket.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ambient {

enum class Family : std::uint8_t { ipv4, ipv6 };

constexpr int address_bits(Family family) { return family == Family::ipv4 ? 32 : 128; }
constexpr std::size_t address_bytes(Family family) { return family == Family::ipv4 ? 4 : 16; }
constexpr std::string_view to_string(Family family) {
    return family == Family::ipv4 ? "ipv4" : "ipv6";
}

class IpAddress {
  public:
    constexpr IpAddress() = default;  // 0.0.0.0

    // Exactly the forms that inet_pton takes; nothing else.
    static std::optional<IpAddress> parse(std::string_view text);
    // 4 or 16 bytes in network order.
    static std::optional<IpAddress> from_bytes(std::span<const std::uint8_t> bytes);
    static constexpr IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
        IpAddress address;
        address.bytes_ = {a, b, c, d};
        return address;
    }
    // The unspecified address of a family.
    static constexpr IpAddress any(Family family) {
        IpAddress address;
        address.family_ = family;
        return address;
    }
    // 127.0.0.1 or ::1
    static IpAddress loopback(Family family);

    [[nodiscard]] constexpr Family family() const { return family_; }
    // Network order; 4 or 16 bytes.
    [[nodiscard]] constexpr std::span<const std::uint8_t> bytes() const {
        return {bytes_.data(), address_bytes(family_)};
    }

    constexpr auto operator<=>(const IpAddress&) const = default;

  private:
    Family family_ = Family::ipv4;
    std::array<std::uint8_t, 16> bytes_{};
};

std::string to_string(const IpAddress& address);

// A prefix with its host bits cleared, as the kernel stores routes.
class Prefix {
  public:
    constexpr Prefix() = default;  // 0.0.0.0/0

    // "10.0.0.0/8" or a bare address (a host prefix). Host bits are cleared.
    static std::optional<Prefix> parse(std::string_view text);
    // Nothing when length is not in [0, bits of the family].
    static std::optional<Prefix> make(const IpAddress& address, int length);
    static Prefix host(const IpAddress& address);
    static Prefix everything(Family family);

    [[nodiscard]] constexpr const IpAddress& address() const { return address_; }
    [[nodiscard]] constexpr int length() const { return length_; }
    [[nodiscard]] constexpr Family family() const { return address_.family(); }
    [[nodiscard]] bool is_host() const { return length_ == address_bits(family()); }
    [[nodiscard]] bool contains(const IpAddress& address) const;

    constexpr auto operator<=>(const Prefix&) const = default;

  private:
    constexpr Prefix(const IpAddress& address, int length) : address_(address), length_(length) {}
    IpAddress address_;
    int length_ = 0;
};

// "10.244.1.11" for a host prefix, "default" never: always address/length otherwise.
std::string to_string(const Prefix& prefix);

}  // namespace ambient
