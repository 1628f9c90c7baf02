#include "common/netlink/nft_expression.hpp"

#include "common/netlink/nft_uapi.hpp"

namespace ambient::netlink::nft {
namespace {

template <class T>
T object_in(const Value& value) {
    T object{};
    if (value.size == sizeof object) std::memcpy(&object, value.bytes.data(), sizeof object);
    return object;
}

}  // namespace

Value Value::big16(std::uint16_t number) { return of_object(htons(number)); }
Value Value::big32(std::uint32_t number) { return of_object(htonl(number)); }

std::uint16_t Value::as_host16() const { return object_in<std::uint16_t>(*this); }
std::uint32_t Value::as_host32() const { return object_in<std::uint32_t>(*this); }
std::uint16_t Value::as_big16() const { return ntohs(object_in<std::uint16_t>(*this)); }
std::uint32_t Value::as_big32() const { return ntohl(object_in<std::uint32_t>(*this)); }

}  // namespace ambient::netlink::nft
