#include "node-agent/report/health/exposition.hpp"

#include <limits>
#include <vector>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace ambient::agent {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

struct Exposition::Families {
    void begin(std::string_view name, std::string_view help, MetricType type) {
        list.push_back({.name = std::string(name), .help = std::string(help), .type = type});
    }
    ClientMetric& add(Labels labels) {
        auto& metric = list.back().metric.emplace_back();
        for (const auto& [name, value] : labels)
            metric.label.push_back({.name = std::string(name), .value = std::string(value)});
        return metric;
    }

    std::vector<MetricFamily> list;
};

Exposition::Exposition() : families_(std::make_unique<Families>()) {}
Exposition::~Exposition() = default;

Exposition& Exposition::counter(std::string_view name, std::string_view help) {
    families_->begin(name, help, MetricType::Counter);
    return *this;
}

Exposition& Exposition::gauge(std::string_view name, std::string_view help) {
    families_->begin(name, help, MetricType::Gauge);
    return *this;
}

Exposition& Exposition::histogram(std::string_view name, std::string_view help) {
    families_->begin(name, help, MetricType::Histogram);
    return *this;
}

Exposition& Exposition::value(double value, Labels labels) {
    auto& metric = families_->add(labels);
    // The format has one number, the library a field for each type.
    metric.counter.value = metric.gauge.value = value;
    return *this;
}

Exposition& Exposition::value(const Histogram& histogram, Labels labels) {
    auto& out = families_->add(labels).histogram;
    out.sample_sum = histogram.sum;
    for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
        out.sample_count += histogram.counts[i];
        out.bucket.push_back({.cumulative_count = out.sample_count,
                              .upper_bound = i < Histogram::kUpperBounds.size()
                                                 ? Histogram::kUpperBounds[i]
                                                 : std::numeric_limits<double>::infinity()});
    }
    return *this;
}

std::string Exposition::text() const {
    return prometheus::TextSerializer().Serialize(families_->list);
}

}  // namespace ambient::agent
