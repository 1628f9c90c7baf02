// The path and query of a request. Pure.
#pragma once

#include <string>
#include <string_view>

namespace ambient::kubeapi {

// Percent-encoded (RFC 3986), to be one segment of a path or one value of a query.
std::string encoded(std::string_view text);

class Query {
  public:
    void add(std::string_view name, std::string_view value) {
        text_ += text_.empty() ? '?' : '&';
        text_ += name;
        text_ += '=';
        text_ += encoded(value);
    }
    // "?limit=500&continue=abc"; empty without anything.
    [[nodiscard]] const std::string& text() const { return text_; }

  private:
    std::string text_;
};

}  // namespace ambient::kubeapi
