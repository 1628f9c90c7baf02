#include "cni-plugin/pod_netns.hpp"

#include <utility>

namespace ambient::plugin {

cni::Outcome<Namespaces> open_namespaces(const std::string& path) {
    const auto refuse = [](std::string message, std::string details = {}) {
        return std::unexpected(cni::Failure{.code = cni::Code::invalid_environment,
                                            .message = std::move(message),
                                            .details = std::move(details)});
    };
    auto pod = Netns::open(path);
    if (!pod) return refuse("CNI_NETNS is not a network namespace: " + path, describe(pod.error()));
    auto node = Netns::current();
    if (!node)
        return std::unexpected(
            cni::failure_of(node.error(), "the node's network namespace cannot be opened"));
    if (pod->id() == node->id()) {
        return refuse("CNI_NETNS is the network namespace of the node itself: " + path);
    }
    return Namespaces{.node = *std::move(node),
                      .pod = std::make_shared<const Netns>(*std::move(pod))};
}

}  // namespace ambient::plugin
