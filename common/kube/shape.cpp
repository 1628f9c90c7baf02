#include <utility>

#include "common/base/parse.hpp"
#include "common/kube/draft.hpp"

namespace ambient::kube {
namespace {

using Kind = Shape::Kind;
using Field = Shape::Field;

constexpr const char* kNetnsAnnotation = "ambient-cni.dev/netns";
constexpr const char* kStaticUidAnnotation = "kubernetes.io/config.hash";
// A copy of the whole object in text form, which is of no use here.
constexpr const char* kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";

constexpr Shape text(const char* (*take)(Draft&, const std::string&, const std::string&)) {
    return {.kind = Kind::text, .take = take};
}

// Text that goes to a member as it is.
template <auto member>
constexpr Shape kInto = text([](Draft& draft, const std::string&, const std::string& value) {
    draft.*member = value;
    return static_cast<const char*>(nullptr);
});
template <auto member>
constexpr Shape kIntoPod = text([](Draft& draft, const std::string&, const std::string& value) {
    draft.pod.*member = value;
    return static_cast<const char*>(nullptr);
});
template <auto member>
constexpr Shape kIntoElement = text([](Draft& draft, const std::string&, const std::string& value) {
    draft.element.*member = value;
    return static_cast<const char*>(nullptr);
});

// ---- metadata ----

constexpr Shape kLabels = {
    .kind = Kind::words,
    .take = [](Draft& draft, const std::string& key, const std::string& value) -> const char* {
        draft.pod.labels[key] = value;
        return nullptr;
    }};
constexpr Shape kAnnotations = {
    .kind = Kind::words,
    .take = [](Draft& draft, const std::string& key, const std::string& value) -> const char* {
        if (key == kNetnsAnnotation) draft.pod.netns_path = value;
        if (key == kStaticUidAnnotation) draft.pod.static_uid = value;
        if (key != kLastApplied) draft.pod.annotations[key] = value;
        return nullptr;
    }};
constexpr Shape kDeletion = text([](Draft& draft, const std::string&, const std::string&) {
    draft.pod.terminating = true;
    return static_cast<const char*>(nullptr);
});
constexpr Field kMetadataFields[] = {
    {"name", &kIntoPod<&Pod::name>},
    {"namespace", &kIntoPod<&Pod::namespace_name>},
    {"uid", &kIntoPod<&Pod::uid>},
    {"labels", &kLabels},
    {"annotations", &kAnnotations},
    {"deletionTimestamp", &kDeletion},
    {"creationTimestamp", &kInto<&Draft::created>},
    {"resourceVersion", &kInto<&Draft::resource_version>},
    {"continue", &kInto<&Draft::continue_token>},
};
constexpr Shape kMetadata = {.kind = Kind::mapping, .fields = kMetadataFields};

// ---- spec ----

constexpr Shape kHostNetwork =
    text([](Draft& draft, const std::string&, const std::string& value) -> const char* {
        if (value != "true" && value != "false") return "true or false";
        draft.pod.host_network = value == "true";
        return nullptr;
    });
using Element = Draft::Element;
constexpr Field kEnvFields[] = {{"name", &kIntoElement<&Element::name>},
                                {"value", &kIntoElement<&Element::value>}};
constexpr Shape kEnvVariable = {
    .kind = Kind::mapping, .fields = kEnvFields, .ended = [](Draft& draft) {
        const Element variable = std::exchange(draft.element, {});
        if (variable.value) draft.container.content.env[variable.name] = *variable.value;
    }};
constexpr Shape kEnv = {.kind = Kind::sequence, .each = &kEnvVariable};
constexpr Shape kArg = text([](Draft& draft, const std::string&, const std::string& value) {
    constexpr std::size_t kThatMatter = 2;
    auto& args = draft.container.content.args;
    if (args.size() < kThatMatter) args.push_back(value);
    return static_cast<const char*>(nullptr);
});
constexpr Shape kArgs = {.kind = Kind::sequence, .each = &kArg};
// A user or group of the container that runs the proxy; null is absent.
template <auto member>
constexpr Shape kOwner =
    text([](Draft& draft, const std::string&, const std::string& value) -> const char* {
        auto& owner = draft.container.content.*member;
        owner = parse_integer<std::uint32_t>(value);
        return owner ? nullptr : "a number from 0 to 4294967295";
    });
constexpr Field kSecurityFields[] = {{"runAsUser", &kOwner<&ProxyContainer::user>},
                                     {"runAsGroup", &kOwner<&ProxyContainer::group>}};
constexpr Shape kSecurity = {.kind = Kind::mapping, .fields = kSecurityFields};
constexpr Shape kContainerName =
    text([](Draft& draft, const std::string&, const std::string& value) {
        draft.container.name = value;
        return static_cast<const char*>(nullptr);
    });
constexpr Field kContainerFields[] = {
    {"name", &kContainerName}, {"args", &kArgs}, {"env", &kEnv}, {"securityContext", &kSecurity}};
void take_container(Draft& draft) {
    auto container = std::exchange(draft.container, {});
    if (container.name == "istio-init") draft.pod.has_istio_init = true;
    if (container.name == "istio-proxy") draft.pod.proxy = std::move(container.content);
}
constexpr Shape kContainer = {
    .kind = Kind::mapping, .fields = kContainerFields, .ended = [](Draft& draft) {
        for (const auto& [name, value] : draft.container.content.env)
            draft.pod.env[name] = value;
        take_container(draft);
    }};
constexpr Shape kContainers = {.kind = Kind::sequence, .each = &kContainer};
constexpr Shape kInitContainer = {
    .kind = Kind::mapping, .fields = kContainerFields, .ended = take_container};
constexpr Shape kInitContainers = {.kind = Kind::sequence, .each = &kInitContainer};
constexpr Field kSpecFields[] = {
    {"nodeName", &kIntoPod<&Pod::node_name>},
    {"serviceAccountName", &kIntoPod<&Pod::service_account>},
    {"hostNetwork", &kHostNetwork},
    {"containers", &kContainers},
    {"initContainers", &kInitContainers},
};
constexpr Shape kSpec = {.kind = Kind::mapping, .fields = kSpecFields};

// ---- status ----

constexpr const char* kAddressExpected = "an IP address";

constexpr Shape kPodIp =
    text([](Draft& draft, const std::string&, const std::string& value) -> const char* {
        if (value.empty()) return nullptr;
        draft.pod_ip = IpAddress::parse(value);
        return draft.pod_ip ? nullptr : kAddressExpected;
    });
constexpr Shape kOneOfPodIps =
    text([](Draft& draft, const std::string&, const std::string& value) -> const char* {
        const auto address = IpAddress::parse(value);
        if (!address) return kAddressExpected;
        draft.pod.addresses.push_back(*address);
        return nullptr;
    });
constexpr Field kPodIpFields[] = {{"ip", &kOneOfPodIps}};
constexpr Shape kPodIpEntry = {.kind = Kind::mapping, .fields = kPodIpFields};
constexpr Shape kPodIps = {.kind = Kind::sequence, .each = &kPodIpEntry};
constexpr Field kConditionFields[] = {
    {"type", &kIntoElement<&Element::type>},
    {"status", &kIntoElement<&Element::status>},
    {"lastTransitionTime", &kIntoElement<&Element::since>},
};
constexpr Shape kCondition = {
    .kind = Kind::mapping, .fields = kConditionFields, .ended = [](Draft& draft) {
        Element condition = std::exchange(draft.element, {});
        if (condition.type != "Ready") return;
        draft.pod.ready = condition.status == "True";
        draft.pod.ready_since = std::move(condition.since);
    }};
constexpr Shape kConditions = {.kind = Kind::sequence, .each = &kCondition};
constexpr Field kStatusFields[] = {
    {"phase", &kIntoPod<&Pod::phase>},
    {"podIP", &kPodIp},
    {"podIPs", &kPodIps},
    {"conditions", &kConditions},
};
constexpr Shape kStatus = {.kind = Kind::mapping, .fields = kStatusFields};

// ---- objects ----

constexpr Field kItemFields[] = {
    {"apiVersion", &kInto<&Draft::api_version>},
    {"kind", &kInto<&Draft::kind>},
    {"metadata", &kMetadata},
    {"spec", &kSpec},
    {"status", &kStatus},
    {"code", &kInto<&Draft::code>},
    {"reason", &kInto<&Draft::reason>},
    {"message", &kInto<&Draft::message>},
};
constexpr Shape kItems = {.kind = Kind::sequence, .each = &kItem};
constexpr Field kDocumentFields[] = {
    {"apiVersion", &kInto<&Draft::api_version>},
    {"kind", &kInto<&Draft::kind>},
    {"metadata", &kMetadata},
    {"spec", &kSpec},
    {"status", &kStatus},
    {"code", &kInto<&Draft::code>},
    {"reason", &kInto<&Draft::reason>},
    {"message", &kInto<&Draft::message>},
    {"items", &kItems},
};
constexpr Field kEventFields[] = {{"type", &kInto<&Draft::event_type>}, {"object", &kItem}};

}  // namespace

constexpr Shape kItem = {.kind = Kind::mapping, .fields = kItemFields};
constexpr Shape kDocument = {.kind = Kind::mapping, .fields = kDocumentFields};
constexpr Shape kEvent = {.kind = Kind::mapping, .fields = kEventFields};

}  // namespace ambient::kube
