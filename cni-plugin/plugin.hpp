// One run of the plugin as a function: environment and standard input in, standard output and exit
// status out.
#pragma once

#include <string>
#include <string_view>

#include "common/cni/environment.hpp"

namespace ambient::plugin {

struct Answer {
    int exit_status = 0;
    std::string output = {};  // a JSON value on one line, or nothing
};

Answer run(const cni::Variables& variables, const cni::Outcome<std::string>& input);

}  // namespace ambient::plugin
