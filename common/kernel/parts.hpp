// Several namespaces made right as one: the parts settle in their order, and those before are
// undone when a later one fails.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "common/kernel/kernel.hpp"
#include "common/kernel/reconcile.hpp"
#include "common/model/part.hpp"

namespace ambient {

// The kernel of a part's namespace, opened for this one time: a part holds no sockets. Error when
// that namespace is gone, or another one by now.
using OpenKernel = std::function<Result<std::unique_ptr<Kernel>>(const model::Where&)>;

// reconcile() of each part; returns the plans that were applied, one a part. The part that fails
// undoes itself as reconcile() does; the parts before it then become what was observed before, the
// last one first. If even that fails the error says so.
Result<std::vector<plan::Plan>> reconcile(const std::vector<model::Part>& parts,
                                          const OpenKernel& open,
                                          Verified verified = Verified::here);

// Removes what is ours from the parts' scopes, the last one first. Goes on past a part that fails;
// the error is the first one.
Result<void> remove(const std::vector<model::Part>& parts, const OpenKernel& open);

// What reconcile() would do now, one plan a part.
Result<std::vector<plan::Plan>> differences(const std::vector<model::Part>& parts,
                                            const OpenKernel& open);

}  // namespace ambient
