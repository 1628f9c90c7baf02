// The nf_tables expressions that our rules are made of, as values: what stands between a rule of
// the model and the kernel's bytes. Pure. An expression reads and writes register 1; only a
// translation's port stands in register 2, as nft(8) does it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace ambient::netlink::nft {

// What a register holds: up to 16 bytes, the rest is zero.
struct Value {
    std::array<std::uint8_t, 16> bytes{};
    std::size_t size = 0;

    bool operator==(const Value&) const = default;

    [[nodiscard]] std::span<const std::uint8_t> span() const { return {bytes.data(), size}; }
    static Value of(std::span<const std::uint8_t> from) {
        Value value;
        value.size = std::min(from.size(), value.bytes.size());
        std::copy_n(from.begin(), value.size, value.bytes.begin());
        return value;
    }
    static Value u8(std::uint8_t number) { return of({&number, 1}); }
    // Numbers as the kernel keeps them in a register (marks, ids), and as they stand in packets
    // (ports).
    static Value host16(std::uint16_t number) { return of_object(number); }
    static Value host32(std::uint32_t number) { return of_object(number); }
    static Value big16(std::uint16_t number);
    static Value big32(std::uint32_t number);
    // The other way round; 0 when the size is another.
    [[nodiscard]] std::uint16_t as_host16() const;
    [[nodiscard]] std::uint32_t as_host32() const;
    [[nodiscard]] std::uint16_t as_big16() const;
    [[nodiscard]] std::uint32_t as_big32() const;

  private:
    template <class T>
    static Value of_object(const T& object) {
        return of({reinterpret_cast<const std::uint8_t*>(&object), sizeof object});
    }
};

// Keys, operators and bases are the kernel's (include/uapi/linux/netfilter/nf_tables.h).
struct MetaLoad {
    std::uint32_t key = 0;
    bool operator==(const MetaLoad&) const = default;
};
struct MetaStore {
    std::uint32_t key = 0;
    bool operator==(const MetaStore&) const = default;
};
struct CtLoad {
    std::uint32_t key = 0;
    bool operator==(const CtLoad&) const = default;
};
struct CtStore {
    std::uint32_t key = 0;
    bool operator==(const CtStore&) const = default;
};
struct PayloadLoad {
    std::uint32_t base = 0;
    std::uint32_t offset = 0;
    std::uint32_t size = 0;
    std::uint32_t to_register = 1;  // NFT_REG_1
    bool operator==(const PayloadLoad&) const = default;
};
// register = (register & mask) ^ flip
struct Bitwise {
    Value mask;
    Value flip;
    bool operator==(const Bitwise&) const = default;
};
// Four bytes of host order into network order, so that a range compares as memcmp() does.
struct HostToNetwork {
    bool operator==(const HostToNetwork&) const = default;
};
struct Compare {
    std::uint32_t op = 0;
    Value with;
    bool operator==(const Compare&) const = default;
};
struct NotInRange {
    Value first;
    Value last;
    bool operator==(const NotInRange&) const = default;
};
struct Lookup {
    std::string set;
    bool inverted = false;
    bool operator==(const Lookup&) const = default;
};
struct Immediate {
    std::uint32_t to_register = 0;
    Value value;
    bool operator==(const Immediate&) const = default;
};
// `chain` for a jump.
struct Verdict {
    int code = 0;
    std::string chain;
    bool operator==(const Verdict&) const = default;
};
struct Nat {
    std::uint32_t type = 0;
    std::uint32_t nfproto = 0;
    bool with_port = false;
    bool operator==(const Nat&) const = default;
};
struct TproxyTo {
    std::uint32_t nfproto = 0;
    bool operator==(const TproxyTo&) const = default;
};
struct RedirectTo {
    bool operator==(const RedirectTo&) const = default;
};
struct Count {
    bool operator==(const Count&) const = default;
};
struct LogLine {
    std::string prefix;
    bool operator==(const LogLine&) const = default;
};
struct SocketLoad {
    std::uint32_t key = 0;
    bool operator==(const SocketLoad&) const = default;
};
struct Reject {
    std::uint32_t type = 0;
    bool operator==(const Reject&) const = default;
};
// Read from the kernel and none of the above, or one of them with more than it can say. No rule of
// ours has it.
struct Unknown {
    bool operator==(const Unknown&) const = default;
};

using Expression = std::variant<MetaLoad, MetaStore, CtLoad, CtStore, PayloadLoad, Bitwise,
                                HostToNetwork, Compare, NotInRange, Lookup, Immediate, Verdict, Nat,
                                TproxyTo, RedirectTo, Count, LogLine, SocketLoad, Reject, Unknown>;
using Expressions = std::vector<Expression>;

}  // namespace ambient::netlink::nft
