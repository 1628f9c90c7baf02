// What container runtimes load. Internal to common/cni.
#pragma once

#include "common/base/error.hpp"
#include "common/cni/json.hpp"

namespace ambient::cni {

// Whether libcni, which containerd and CRI-O use, would take this list (libcni/conf.go,
// NetworkConfFromBytes), or this plugin of a list or alone (NetworkPluginConfFromBytes, into
// types.PluginConf). `config` is an object. Error invalid_input: what it stumbles over.
Result<void> require_loadable_list(const Json& config);
Result<void> require_loadable_plugin(const Json& config);

}  // namespace ambient::cni
