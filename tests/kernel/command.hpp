// Programs as a second opinion on what our own code did: ip, nft. No shell.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace ambient::test {

struct Outcome {
    int status = 0;      // exit status; -1: ended by a signal
    std::string output;  // of stdout and stderr
};

// Runs to its end in the calling thread's network namespace.
Outcome run(const std::vector<std::string>& arguments);

// The same for one command line, split at blanks; fails the test when the status is not 0.
std::string must_run(const std::string& line);

// What `ip -json -details ...` says.
nlohmann::json ip_json(const std::string& line);

}  // namespace ambient::test
