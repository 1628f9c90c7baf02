#include "common/netlink/nft_rule.hpp"

#include <doctest/doctest.h>

#include "common/netlink/nft_uapi.hpp"
#include "tests/unit/netlink/nft_rule_samples.hpp"

namespace ambient::netlink::nft {
namespace {

using namespace model;

// Without family: what most of a rule is the same in.
Result<Expressions> encode_rule(const FilterRule& rule) {
    return nft::encode_rule(rule, TableFamily::inet);
}
FilterRule decode_rule(std::span<const Expression> expressions) {
    return nft::decode_rule(expressions, TableFamily::inet);
}

FilterRule with_match(Match match) { return {{std::move(match)}, {}}; }
FilterRule with_action(Action action) { return {{}, {std::move(action)}}; }

// The expressions of "meta nfproto ipv4".
Expressions is_ipv4() { return encode_rule(with_match(IsFamily{Family::ipv4})).value(); }

TEST_CASE("every match and action reads back as it was written") {
    for (const auto& sample : test::rule_samples()) {
        INFO(sample.line);
        const auto encoded = encode_rule(sample.rule);
        REQUIRE(encoded.has_value());
        CHECK(decode_rule(*encoded) == sample.rule);
    }
}

TEST_CASE("any rule reads back as it was written") {
    std::mt19937 random(20240229);
    for (int i = 0; i < 20000; ++i) {
        const auto rule = test::random_rule(random);
        const auto encoded = encode_rule(rule);
        REQUIRE(encoded.has_value());
        REQUIRE(decode_rule(*encoded) == rule);
    }
}

TEST_CASE("in a table of bridges the family is that of the frame's protocol") {
    const auto encoded =
        nft::encode_rule(with_match(IsFamily{Family::ipv6}), TableFamily::bridge).value();
    CHECK(encoded == Expressions{MetaLoad{.key = NFT_META_PROTOCOL},
                                 Compare{.op = NFT_CMP_EQ, .with = Value::big16(0x86dd)}});
    CHECK(decode_rule(encoded).beyond_model);
    for (const auto& sample : test::rule_samples()) {
        INFO(sample.line);
        const auto bridged = nft::encode_rule(sample.rule, TableFamily::bridge);
        REQUIRE(bridged.has_value());
        CHECK(nft::decode_rule(*bridged, TableFamily::bridge) == sample.rule);
    }
}

TEST_CASE("no two samples have the same expressions") {
    const auto samples = test::rule_samples();
    for (std::size_t i = 0; i < samples.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            INFO(samples[i].line << " and " << samples[j].line);
            CHECK(encode_rule(samples[i].rule).value() != encode_rule(samples[j].rule).value());
        }
    }
}

TEST_CASE("one check of the family serves all addresses of a rule, but not the other family's") {
    const Address source{Direction::source, Prefix::parse("10.0.0.1").value()};
    const Address destination{Direction::destination, Prefix::parse("10.0.0.2").value()};
    const Address other{Direction::source, Prefix::parse("fd00::1").value()};
    CHECK(encode_rule({{source, destination}, {}})->size() == 2 + 2 + 2);
    CHECK(encode_rule({{source, other}, {}})->size() == 4 + 4);
}

TEST_CASE("an empty rule is a rule") {
    CHECK(encode_rule({})->empty());
    CHECK(decode_rule({}) == FilterRule{});
}

TEST_CASE("an expression that is not ours makes a rule beyond the model, wherever it stands") {
    for (std::size_t at = 0; at <= 2; ++at) {
        auto expressions = is_ipv4();
        expressions.insert(expressions.begin() + static_cast<std::ptrdiff_t>(at), Unknown{});
        const auto decoded = decode_rule(expressions);
        CHECK(decoded.beyond_model);
        CHECK(decoded.matches.empty());
        CHECK(decoded.actions.empty());
    }
}

// Each is a little more, or a little other, than the model can say.
TEST_CASE("details that the model has no word for make a rule beyond it") {
    const auto family_check = is_ipv4();
    const Compare eth_wildcard{0, Value::of(std::vector<std::uint8_t>{'e', 't', 'h'})};
    const auto load_mark = std::get<MetaLoad>(encode_rule(with_match(MarkIs{}))->front());
    const std::vector<Expressions> odd{
        // Half a match, and a comparison of nothing.
        {family_check[0]},
        {family_check[1]},
        // A match after an action.
        {Count{}, family_check[0], family_check[1]},
        // nfproto != ipv4
        {family_check[0], Compare{1, std::get<Compare>(family_check[1]).with}},
        // A prefix of an interface name.
        {encode_rule(with_match(InInterface{"eth"}))->front(), eth_wildcard},
        // A mark above another.
        {load_mark, Compare{4, Value::host32(7)}},
        // Bits flipped before they are compared.
        {load_mark, Bitwise{Value::host32(1), Value::host32(1)}, Compare{0, Value::host32(1)}},
        // A value wider than its register.
        {load_mark, Compare{0, Value::u8(1)}},
        // An address read without a check of its family.
        {PayloadLoad{1, 12, 4}, Compare{0, Value::big32(0x0a000001)}},
        // A field that is no address.
        {family_check[0], family_check[1], PayloadLoad{1, 9, 1}, Compare{0, Value::u8(6)}},
        // A port without its protocol.
        {PayloadLoad{2, 2, 2}, Compare{0, Value::big16(80)}},
        // A goto.
        {Verdict{-4, "other"}},
    };
    for (std::size_t i = 0; i < odd.size(); ++i) {
        INFO("case " << i);
        CHECK(decode_rule(odd[i]).beyond_model);
    }
}

TEST_CASE("a mask with holes is no prefix") {
    auto expressions =
        encode_rule(with_match(Address{Direction::source, Prefix::parse("10.128.0.0/9").value()}))
            .value();
    auto& mask = std::get<Bitwise>(expressions[3]).mask;
    mask.bytes[2] = mask.bytes[1];
    mask.bytes[1] = 0;
    CHECK(decode_rule(expressions).beyond_model);
}

TEST_CASE("what cannot be said is refused") {
    const Protocol tcp{kTcp};
    const std::vector<FilterRule> impossible{
        with_match(InInterface{""}),
        with_match(OutInterface{"sixteen-letters-"}),
        with_match(Port{Direction::source, 80, 80}),
        {{Protocol{kTcp, true}, Port{Direction::source, 80, 80}}, {}},
        {{Protocol{58}, Port{Direction::source, 80, 80}}, {}},
        {{tcp, Port{Direction::source, 81, 80}}, {}},
        with_match(SocketUser{2, 1}),
        with_match(SocketGroup{2, 1}),
        with_match(InSet{Direction::source, Family::ipv4, ""}),
        with_match(InSet{Direction::source, Family::ipv4, std::string(256, 's')}),
        with_match(MarkIs{{.value = 2, .mask = 1}}),
        with_match(CtMarkIs{{.value = 2, .mask = 1}}),
        with_match(CtStateIn{0}),
        with_action(SetMark{{.value = 2, .mask = 1}}),
        with_action(SetCtMark{{.value = 2, .mask = 1}}),
        with_action(Log{std::string(128, 'l')}),
        with_action(Jump{""}),
        with_action(Reset{}),
        {{Protocol{kUdp}}, {Reset{}}},
        with_action(Jump{std::string(256, 'c')}),
        {.beyond_model = true},
        {{}, std::vector<Action>(129, Counter{})},
    };
    for (std::size_t i = 0; i < impossible.size(); ++i) {
        INFO("case " << i);
        const auto encoded = encode_rule(impossible[i]);
        REQUIRE(!encoded);
        CHECK(encoded.error().kind == ErrorKind::invalid_input);
    }
}

}  // namespace
}  // namespace ambient::netlink::nft
