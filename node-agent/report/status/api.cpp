#include "node-agent/report/status/api.hpp"

#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ambient::agent {

Send send_by(kubeapi::Client& client) {
    return [&client](kubeapi::Request request, kubeapi::Client::Done done) {
        return client.send(std::move(request), std::move(done));
    };
}

Verdict judge(const Result<kubeapi::Response>& answer) {
    if (!answer) return Verdict::unavailable;
    const int status = answer->status;
    if (status >= 200 && status < 300) return Verdict::done;
    // 408 and 429: too busy. 401: a token that is about to be replaced.
    const bool all_alike = status >= 500 || status == 401 || status == 408 || status == 429;
    return all_alike ? Verdict::unavailable : Verdict::refused;
}

// A failure's body is a Status object (API conventions, "Response Status Kind").
std::string describe(const Result<kubeapi::Response>& answer) {
    if (!answer) return describe(answer.error());
    const auto status = nlohmann::json::parse(answer->body, nullptr, false);
    const auto message = status.is_object() ? status.find("message") : status.end();
    if (message == status.end() || !message->is_string())
        return fmt::format("status {}", answer->status);
    return fmt::format("status {}: {}", answer->status, message->get<std::string>());
}

}  // namespace ambient::agent
