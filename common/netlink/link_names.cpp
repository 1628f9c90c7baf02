#include "common/netlink/link_names.hpp"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <string_view>

#include "common/netlink/link_codec.hpp"

namespace ambient::netlink {
namespace {

Error not_found(Error error, std::string object) {
    error.doing = "find link";
    error.object = std::move(object);
    return error;
}

}  // namespace

// Not by SIOCGIFINDEX, which looks for a module of that name when there is no such link
// (net/core/dev_ioctl.c, dev_load).
Result<std::uint32_t> LinkNames::index_of(const std::string& name) {
    for (const auto& [index, known] : known_) {
        if (known == name) return index;
    }
    auto request = get_link(name);
    const auto reply = socket_.query(request);
    if (!reply) return std::unexpected(not_found(reply.error(), name));
    auto record = TRY(decode_link(reply->message()));
    known_[record.index] = std::move(record.link.name);
    return record.index;
}

Result<std::string> LinkNames::name_of(std::uint32_t index) {
    if (const auto known = known_.find(index); known != known_.end()) return known->second;
    // One call where RTM_GETLINK takes two and tells all that there is about a link.
    ifreq request{};
    request.ifr_ifindex = static_cast<int>(index);
    if (::ioctl(socket_.fd(), SIOCGIFNAME, &request) != 0) {
        return std::unexpected(
            not_found(errno_error(errno, {}), "with index " + std::to_string(index)));
    }
    return known_[index] = request.ifr_name;
}

Result<bool> LinkNames::is_veth(const std::string& name) {
    ethtool_drvinfo info{};
    info.cmd = ETHTOOL_GDRVINFO;
    ifreq request{};
    name.copy(request.ifr_name, sizeof request.ifr_name - 1);
    request.ifr_data = reinterpret_cast<char*>(&info);
    if (::ioctl(socket_.fd(), SIOCETHTOOL, &request) == 0)
        return std::string_view(info.driver) == "veth";  // drivers/net/veth.c, veth_get_drvinfo
    // Nothing that tells of a driver (net/ethtool/ioctl.c, ethtool_get_drvinfo).
    if (errno == EOPNOTSUPP) return false;
    return std::unexpected(not_found(errno_error(errno, {}), name));
}

}  // namespace ambient::netlink
