// Runs the Kubernetes source against an API server and prints what it does to the table, one JSON
// object a line. Reads commands from standard input: "fetch NAMESPACE/NAME", "stats"; its end is
// the end. Log lines go to standard error.
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/read_until.hpp>
#include <asio/streambuf.hpp>
#include <nlohmann/json.hpp>

#include "common/base/parse.hpp"
#include "node-agent/loop/log.hpp"
#include "node-agent/source/kube_source.hpp"

namespace {

using namespace ambient;
using nlohmann::json;

struct Options {
    std::string kubeconfig;
    std::string service_account;
    std::string node = "node-a";
    bool quiet = false;
    unsigned watch_seconds = 300;
    unsigned watch_margin_ms = 30'000;
    unsigned watch_silence_ms = 180'000;
    unsigned list_ms = 60'000;
    unsigned relist_spread_ms = 3'000;
    unsigned fetch_ms = 2'000;
    unsigned connection_seconds = 300;
    unsigned backoff_first_ms = 250;
    unsigned backoff_most_ms = 30'000;
};

void describe_options(CLI::App& app, Options& options) {
    app.add_option("--kubeconfig", options.kubeconfig, "else as in a cluster");
    app.add_option("--service-account", options.service_account,
                   "folder with token and ca.crt, in a cluster");
    app.add_option("--node", options.node);
    app.add_flag("--quiet", options.quiet, "do not print the table: it is held twice for that");
    app.add_option("--watch-seconds", options.watch_seconds, "least; most is the double");
    app.add_option("--watch-margin-ms", options.watch_margin_ms);
    app.add_option("--watch-silence-ms", options.watch_silence_ms);
    app.add_option("--list-ms", options.list_ms);
    app.add_option("--relist-spread-ms", options.relist_spread_ms);
    app.add_option("--fetch-ms", options.fetch_ms);
    app.add_option("--connection-seconds", options.connection_seconds);
    app.add_option("--backoff-first-ms", options.backoff_first_ms);
    app.add_option("--backoff-most-ms", options.backoff_most_ms);
}

agent::KubeSource::Timing timing_of(const Options& options) {
    using std::chrono::milliseconds;
    agent::KubeSource::Timing timing;
    timing.fetch_deadline = milliseconds(options.fetch_ms);
    timing.follow.watch_least = std::chrono::seconds(options.watch_seconds);
    timing.follow.watch_most = 2 * timing.follow.watch_least;
    timing.follow.watch_margin = milliseconds(options.watch_margin_ms);
    timing.follow.watch_silence = milliseconds(options.watch_silence_ms);
    timing.follow.relist_spread = milliseconds(options.relist_spread_ms);
    timing.follow.list_deadline = milliseconds(options.list_ms);
    timing.follow.backoff = {.first = milliseconds(options.backoff_first_ms),
                             .most = milliseconds(options.backoff_most_ms)};
    return timing;
}

Result<kubeapi::Access> access_of(const Options& options) {
    if (!options.kubeconfig.empty()) return kubeapi::from_kubeconfig(options.kubeconfig);
    const auto environment = [](const char* name) {
        const char* value = std::getenv(name);
        return std::string(value ? value : "");
    };
    if (options.service_account.empty()) return kubeapi::in_cluster(environment);
    return kubeapi::in_cluster(environment, options.service_account);
}

void print(const json& line) { std::cout << line.dump() << std::endl; }

json as_json(const kube::Pod& pod) {
    json addresses = json::array();
    for (const auto& address : pod.addresses)
        addresses.push_back(to_string(address));
    return {{"namespace", pod.namespace_name},
            {"name", pod.name},
            {"uid", pod.uid},
            {"labels", pod.labels},
            {"annotations", pod.annotations},
            {"node", pod.node_name},
            {"service_account", pod.service_account},
            {"host_network", pod.host_network},
            {"phase", pod.phase},
            {"ready", pod.ready},
            {"terminating", pod.terminating},
            {"addresses", addresses}};
}

// Prints the differences between what the table held last time and holds now.
class Printer {
  public:
    explicit Printer(const agent::PodTable& table) : table_(table) {}

    void print_changes() {
        std::map<std::string, kube::Pod> pods;
        for (const auto* pod : table_.shown())
            pods.emplace(pod->namespace_name + "/" + pod->name, *pod);
        print_differences("pod", pods_, pods,
                          [](const auto&, const auto& pod) { return as_json(pod); });
        pods_ = std::move(pods);
        print_differences("namespace", spaces_, table_.namespaces(),
                          [](const auto& name, const auto& space) {
                              return json{{"name", name}, {"labels", space->labels}};
                          });
        spaces_ = table_.namespaces();
        if (table_.is_complete() && !std::exchange(complete_, true)) print({{"complete", true}});
    }

  private:
    template <class Map, class ToJson>
    static void print_differences(const std::string& what, const Map& before, const Map& now,
                                  ToJson to_json) {
        for (const auto& [name, object] : now) {
            const auto known = before.find(name);
            if (known == before.end() || known->second != object)
                print({{what, to_json(name, object)}});
        }
        for (const auto& [name, object] : before) {
            if (!now.contains(name)) print({{what + "_gone", name}});
        }
    }

    const agent::PodTable& table_;
    std::map<std::string, kube::Pod> pods_;
    agent::PodTable::Spaces spaces_;
    bool complete_ = false;
};

int resident_kib() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("VmRSS:")) return std::stoi(line.substr(6));
    }
    return 0;
}

double cpu_ms() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto ms = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
    };
    return ms(used.ru_utime) + ms(used.ru_stime);
}

class Probe {
  public:
    Probe(asio::io_context& io, kubeapi::Client& client, const Options& options)
        : io_(io),
          client_(client),
          quiet_(options.quiet),
          table_({}, options.node),
          source_(client, table_, options.node, timing_of(options)),
          printer_(table_),
          input_(io, ::dup(STDIN_FILENO)) {}

    void run() {
        source_.follow(io_, [this] { changed(); });
        read_command();
        io_.run();
    }

  private:
    void changed() {
        if (!quiet_) {
            printer_.print_changes();
        } else if (table_.is_complete() && !std::exchange(told_, true)) {
            print({{"complete", true}});
        }
    }

    void read_command() {
        asio::async_read_until(input_, buffer_, '\n', [this](const asio::error_code& code, auto) {
            if (code) return io_.stop();
            std::istream lines(&buffer_);
            std::string line;
            std::getline(lines, line);
            obey(line);
            read_command();
        });
    }

    void obey(const std::string& line) {
        if (line == "stats") return print_stats();
        const std::size_t slash = line.find('/');
        if (!line.starts_with("fetch ") || slash == std::string::npos) {
            return print({{"unknown_command", line}});
        }
        const agent::PodId id{.space = line.substr(6, slash - 6), .name = line.substr(slash + 1)};
        source_.fetch(id, [id](const Result<void>& outcome) {
            print({{"fetched", to_string(id)},
                   {"outcome", outcome ? "ok" : std::string(to_string(outcome.error().kind))},
                   {"error", outcome ? "" : describe(outcome.error())}});
        });
    }

    void print_stats() {
        json requests = json::array();
        for (const auto& [kind, count] : client_.counters()) {
            requests.push_back({{"verb", kind.verb},
                                {"resource", kind.resource},
                                {"status", kind.status},
                                {"count", count}});
        }
        print({{"stats",
                {{"requests", requests},
                 {"watch_restarts", source_.watch_restarts()},
                 {"pods", table_.shown().size()},
                 {"namespaces", table_.namespaces().size()},
                 {"rss_kib", resident_kib()},
                 {"cpu_ms", cpu_ms()}}}});
    }

    asio::io_context& io_;
    kubeapi::Client& client_;
    bool quiet_;
    bool told_ = false;
    agent::PodTable table_;
    agent::KubeSource source_;
    Printer printer_;
    asio::posix::stream_descriptor input_;
    asio::streambuf buffer_;
};

int fail(const Error& error) {
    std::cerr << describe(error) << "\n";
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    // As the agent does, since its memory is what is looked at.
    (void)::mallopt(M_TRIM_THRESHOLD, 128 * 1024);
    (void)::mallopt(M_ARENA_MAX, 1);
    Options options;
    CLI::App app("runs the Kubernetes source and prints the table's changes", "source_probe");
    describe_options(app, options);
    CLI11_PARSE(app, argc, argv);
    agent::start_log(agent::LogLevel::debug, true);
    const auto access = access_of(options);
    if (!access) return fail(access.error());
    asio::io_context io;
    const auto client =
        kubeapi::Client::open(io, *access, std::chrono::seconds(options.connection_seconds));
    if (!client) return fail(client.error());
    Probe(io, **client, options).run();
    return 0;
}
