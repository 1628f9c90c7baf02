#include "common/netlink/nft_table_reader.hpp"

#include <algorithm>
#include <cerrno>
#include <functional>
#include <utility>

#include <libmnl/libmnl.h>

#include "common/netlink/message.hpp"
#include "common/netlink/nft_element_codec.hpp"
#include "common/netlink/nft_exchange.hpp"
#include "common/netlink/nft_object_codec.hpp"
#include "common/netlink/nft_rule_message.hpp"
#include "common/netlink/nft_set_key.hpp"
#include "common/netlink/nft_uapi.hpp"

namespace ambient::netlink::nft {
namespace {

using OnMessage = std::function<void(const nlmsghdr&)>;

Error refused(const Refusal& refusal) {
    auto error = errno_error(refusal.errno_value, "read the packet filter");
    error.kernel_text = refusal.kernel_text;
    return error;
}

// A request with these names as its attributes 1, 2 ...
void add_request(MessageBuffer& messages, std::uint16_t type, std::uint16_t flags,
                 model::TableFamily family, std::initializer_list<std::string_view> names) {
    auto* message = messages.start(type, flags, family);
    std::uint16_t attribute = 1;
    for (const auto name : names)
        mnl_attr_put_strz(message, attribute++, std::string(name).c_str());
    messages.finish(message);
}

Result<void> complete(const Answers& answers) {
    if (!answers.refusals.empty()) return std::unexpected(refused(answers.refusals.front()));
    if (answers.dump_interrupted) {
        return std::unexpected(
            Error{.kind = ErrorKind::interrupted, .doing = "dump: the rule set changed meanwhile"});
    }
    return {};
}

Result<void> dump(NetlinkSocket& socket, std::uint16_t type, model::TableFamily family,
                  std::initializer_list<std::string_view> names, const OnMessage& on_message) {
    MessageBuffer messages;
    add_request(messages, type, NLM_F_DUMP, family, names);
    return complete(TRY(exchange(socket, messages, on_message)));
}

// Adds an object to the table's, unless it is another table's or belongs to a rule.
template <class T>
void place(Decoded<T>&& decoded, model::FilterTable& table, std::vector<T>& among) {
    if (decoded.table != table.id.name || decoded.anonymous) return;
    if (decoded.value) {
        among.push_back(std::move(*decoded.value));
    } else {
        table.beyond_model = true;
    }
}

// The table with its sets, which have no elements yet; nothing when there is none.
Result<std::optional<model::FilterTable>> read_sets(NetlinkSocket& socket,
                                                    const model::TableId& id) {
    MessageBuffer messages;
    add_request(messages, NFT_MSG_GETTABLE, 0, id.family, {id.name});
    add_request(messages, NFT_MSG_GETSET, NLM_F_DUMP, id.family, {id.name});
    model::FilterTable table{.id = id};
    const auto answers = TRY(exchange(socket, messages, [&](const nlmsghdr& message) {
        if (NFNL_MSG_TYPE(message.nlmsg_type) == NFT_MSG_NEWTABLE) {
            if (!is_plain_table(message)) table.beyond_model = true;
        } else {
            place(decode_set(message), table, table.sets);
        }
    }));
    if (!answers.refusals.empty() && answers.refusals.front().errno_value == ENOENT)
        return std::nullopt;
    TRY(complete(answers));
    return table;
}

// Gathers what messages tell of a set's elements.
class ElementsOfSet {
  public:
    void add(const nlmsghdr& message) {
        auto decoded = decode_elements(message);
        if (decoded.beyond_model) beyond_model_ = true;
        std::ranges::move(decoded.elements, std::back_inserter(elements_));
    }
    // False when the model cannot say all of them.
    bool move_to(model::FilterSet& set) {
        auto decoded = decode_elements_of(set.type, std::move(elements_));
        if (!decoded) return false;
        std::ranges::move(*decoded, std::back_inserter(set.elements));
        return !beyond_model_;
    }

  private:
    std::vector<WireElement> elements_;
    bool beyond_model_ = false;
};

Result<void> read_all_elements(NetlinkSocket& socket, model::FilterTable& table,
                               model::FilterSet& set) {
    ElementsOfSet elements;
    TRY(dump(socket, NFT_MSG_GETSETELEM, table.id.family, {table.id.name, set.name},
             [&](const nlmsghdr& message) { elements.add(message); }));
    if (!elements.move_to(set)) table.beyond_model = true;
    return {};
}

Result<void> read_chains(NetlinkSocket& socket, model::FilterTable& table) {
    // Linux dumps the chains of all tables of the family.
    return dump(socket, NFT_MSG_GETCHAIN, table.id.family, {}, [&](const nlmsghdr& message) {
        place(decode_chain(message), table, table.chains);
    });
}

Result<void> read_rules(NetlinkSocket& socket, model::FilterTable& table) {
    return dump(socket, NFT_MSG_GETRULE, table.id.family, {table.id.name},
                [&](const nlmsghdr& message) {
                    auto decoded = decode_rule_message(message);
                    if (!decoded) return;
                    // None for the rules of a verdict block's chain, which belongs to another rule.
                    const auto chain =
                        std::ranges::find(table.chains, decoded->chain, &model::FilterChain::name);
                    if (chain != table.chains.end())
                        chain->rules.push_back(std::move(decoded->rule));
                });
}

void sort(model::FilterTable& table) {
    std::ranges::sort(table.sets, {}, &model::FilterSet::name);
    std::ranges::sort(table.chains, {}, &model::FilterChain::name);
    for (auto& set : table.sets)
        std::ranges::sort(set.elements, {}, &model::SetElement::key);
}

// Each answer takes some 2 kB of the receive buffer (net.core.rmem_default: 212992 bytes), and what
// does not fit is lost (net/netlink/af_netlink.c, netlink_attachskb).
constexpr std::size_t kElementsAtOnce = 32;

// Asks for one element in each message: a request for several ends at the first that is missing.
Result<void> read_some_elements(NetlinkSocket& socket, const model::TableId& table,
                                std::span<const model::SetKey> keys, model::FilterSet& set) {
    MessageBuffer messages;
    for (const auto& key : keys) {
        const model::SetElement element{.key = key};
        const auto* wanted = &element;
        TRY(put_elements(NFT_MSG_GETSETELEM, 0, table, set.name, {&wanted, 1}, messages));
    }
    ElementsOfSet elements;
    const auto answers =
        TRY(exchange(socket, messages, [&](const nlmsghdr& message) { elements.add(message); }));
    elements.move_to(set);
    const auto unexpected = std::ranges::find_if(
        answers.refusals, [](const auto& r) { return r.errno_value != ENOENT; });
    if (unexpected != answers.refusals.end()) return std::unexpected(refused(*unexpected));
    return {};
}

// Prefixes are looked for in the whole set: the kernel finds by one address, and any that covers
// it.
Result<void> read_prefixes(NetlinkSocket& socket, model::FilterTable& table,
                           const std::vector<model::SetKey>& keys, model::FilterSet& set) {
    TRY(read_all_elements(socket, table, set));
    std::erase_if(set.elements, [&](const model::SetElement& element) {
        return std::ranges::find(keys, element.key) == keys.end();
    });
    return {};
}

Result<void> read_elements_of(NetlinkSocket& socket, model::FilterTable& table,
                              const std::vector<model::SetKey>& keys, model::FilterSet& set) {
    std::vector<model::SetKey> fitting;
    std::ranges::copy_if(keys, std::back_inserter(fitting),
                         [&](const model::SetKey& key) { return model::type_of(key) == set.type; });
    if (fitting.empty()) return {};
    if (model::is_prefix_set(set.type)) return read_prefixes(socket, table, fitting, set);
    for (std::span<const model::SetKey> rest(fitting); !rest.empty();) {
        const auto part = rest.first(std::min(rest.size(), kElementsAtOnce));
        TRY(read_some_elements(socket, table.id, part, set));
        rest = rest.subspan(part.size());
    }
    return {};
}

}  // namespace

Result<std::uint32_t> read_generation(NetlinkSocket& socket) {
    std::optional<std::uint32_t> generation;
    MessageBuffer messages;
    add_request(messages, NFT_MSG_GETGEN, 0, model::TableFamily::inet, {});
    const auto answers = TRY(exchange(socket, messages, [&](const nlmsghdr& message) {
        generation = Attributes::after<nfgenmsg>(message).u32(NFTA_GEN_ID);
    }));
    if (!answers.refusals.empty()) return std::unexpected(refused(answers.refusals.front()));
    if (!generation) return std::unexpected(Error{.doing = "read the packet filter's generation"});
    return ntohl(*generation);
}

Result<std::optional<model::FilterTable>> read_table(NetlinkSocket& socket,
                                                     const model::TableId& id) {
    auto table = TRY(read_sets(socket, id));
    if (!table) return std::nullopt;
    for (auto& set : table->sets)
        TRY(read_all_elements(socket, *table, set));
    TRY(read_chains(socket, *table));
    TRY(read_rules(socket, *table));
    sort(*table);
    return table;
}

Result<std::optional<model::FilterTable>> read_elements(
    NetlinkSocket& socket, const model::TableId& id,
    const std::optional<std::vector<model::SetKey>>& keys) {
    auto table = TRY(read_sets(socket, id));
    if (!table) return std::nullopt;
    for (auto& set : table->sets)
        TRY(keys ? read_elements_of(socket, *table, *keys, set)
                 : read_all_elements(socket, *table, set));
    sort(*table);
    return table;
}

}  // namespace ambient::netlink::nft
