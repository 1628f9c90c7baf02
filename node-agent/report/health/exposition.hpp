// Values as Prometheus' text format, version 0.0.4. The one file that knows prometheus-cpp, of
// which only the format is used: our counters are plain numbers of whoever counts.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "node-agent/loop/histogram.hpp"

namespace ambient::agent {

class Exposition {
  public:
    using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

    Exposition();
    ~Exposition();
    Exposition(const Exposition&) = delete;
    Exposition& operator=(const Exposition&) = delete;

    // The values that follow are of this metric.
    Exposition& counter(std::string_view name, std::string_view help);
    Exposition& gauge(std::string_view name, std::string_view help);
    Exposition& histogram(std::string_view name, std::string_view help);

    Exposition& value(double value, Labels labels = {});
    Exposition& value(const Histogram& histogram, Labels labels = {});

    [[nodiscard]] std::string text() const;

  private:
    struct Families;
    std::unique_ptr<Families> families_;
};

}  // namespace ambient::agent
