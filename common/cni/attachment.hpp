// What a runtime takes for the same attachment of a container to a network (SPEC, "Attachment
// Parameters").
#pragma once

#include <compare>
#include <string>

namespace ambient::cni {

struct Attachment {
    std::string container_id;
    std::string ifname;

    auto operator<=>(const Attachment&) const = default;
};

}  // namespace ambient::cni
