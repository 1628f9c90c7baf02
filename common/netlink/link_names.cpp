#include "common/netlink/link_names.hpp"

namespace ambient::netlink {

Result<LinkRecord> LinkNames::ask(Message request, std::string object) {
    const auto reply = socket_.query(request);
    if (!reply) {
        auto error = reply.error();
        error.doing = "find link";
        error.object = std::move(object);
        return std::unexpected(std::move(error));
    }
    auto record = TRY(decode_link(reply->message()));
    known_[record.index] = record.link.name;
    return record;
}

Result<std::uint32_t> LinkNames::index_of(const std::string& name) {
    for (const auto& [index, known] : known_) {
        if (known == name) return index;
    }
    return TRY(ask(get_link(name), name)).index;
}

Result<std::string> LinkNames::name_of(std::uint32_t index) {
    if (const auto known = known_.find(index); known != known_.end()) return known->second;
    return TRY(ask(get_link(index), "with index " + std::to_string(index))).link.name;
}

}  // namespace ambient::netlink
