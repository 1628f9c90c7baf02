#include "common/netlink/rule_codec.hpp"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include "common/netlink/family.hpp"
#include "common/netlink/routing_text.hpp"

namespace ambient::netlink {
namespace {

Message rule_message(int type, int flags, const model::PolicyRule& rule) {
    fib_rule_hdr header{};
    header.family = to_kernel(rule.family);
    // What is beyond the model is only ever deleted: then no action and no table means any
    // (net/core/fib_rules.c, rule_find).
    header.action = rule.beyond_model.empty() ? FR_ACT_TO_TBL : FR_ACT_UNSPEC;
    Message message(type, flags, header);
    message.put_u32(FRA_PRIORITY, rule.priority);
    message.put_u8(FRA_PROTOCOL, rule.protocol);
    if (rule.mark.mask != 0) {
        message.put_u32(FRA_FWMARK, rule.mark.value);
        message.put_u32(FRA_FWMASK, rule.mark.mask);
    }
    if (rule.beyond_model.empty()) message.put_u32(FRA_TABLE, rule.table);
    return message;
}

// Every selector that we do not know narrows the rule: only attributes known to be harmless are let
// through.
bool is_in_model(int attribute) {
    switch (attribute) {
        case FRA_PRIORITY:
        case FRA_PROTOCOL:
        case FRA_FWMARK:
        case FRA_FWMASK:
        case FRA_TABLE:
        case FRA_SUPPRESS_PREFIXLEN: return true;
        default: return false;
    }
}

bool is_beyond_model(const fib_rule_hdr& header, const Attributes& attributes) {
    // "None" is told as -1, always (fib_nl_fill_rule).
    const bool suppresses = attributes.s32(FRA_SUPPRESS_PREFIXLEN).value_or(-1) != -1;
    return header.action != FR_ACT_TO_TBL || header.src_len != 0 || header.dst_len != 0 ||
           header.tos != 0 || (header.flags & FIB_RULE_INVERT) != 0 || suppresses ||
           !attributes.all(is_in_model);
}

}  // namespace

Result<std::optional<model::PolicyRule>> decode_rule(const nlmsghdr& message) {
    const auto header = fixed_part<fib_rule_hdr>(message);
    if (!header || (message.nlmsg_type != RTM_NEWRULE && message.nlmsg_type != RTM_DELRULE)) {
        return std::unexpected(Error{.doing = "decode rule: malformed message"});
    }
    const auto family = family_from_kernel(header->family);
    if (!family) return std::nullopt;

    const auto attributes = Attributes::after<fib_rule_hdr>(message);
    model::PolicyRule rule{.family = *family, .priority = attributes.u32(FRA_PRIORITY).value_or(0)};
    rule.protocol = attributes.u8(FRA_PROTOCOL).value_or(RTPROT_UNSPEC);
    // A mark without a mask means all its bits; the kernel leaves out a value of 0
    // (fib_nl_fill_rule).
    const auto mark = attributes.u32(FRA_FWMARK);
    rule.mark = {.value = mark.value_or(0),
                 .mask = attributes.u32(FRA_FWMASK).value_or(mark ? 0xffffffff : 0)};
    rule.table = attributes.u32(FRA_TABLE).value_or(header->table);
    if (is_beyond_model(*header, attributes)) rule.beyond_model = rule_text(*header, attributes);
    return rule;
}

Message dump_rules(Family family) {
    fib_rule_hdr header{};
    header.family = to_kernel(family);
    return Message(RTM_GETRULE, 0, header);
}

Message add_rule(const model::PolicyRule& rule) {
    return rule_message(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule);
}

Message delete_rule(const model::PolicyRule& rule) { return rule_message(RTM_DELRULE, 0, rule); }

}  // namespace ambient::netlink
