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

// settle() of each part. The part that fails undoes itself as reconcile() does; the parts before it
// then become what was observed before, the last one first. If even that fails the error says so.
Result<std::vector<Settled>> reconcile(const std::vector<model::Part>& parts,
                                       const OpenKernel& open, Verified verified = Verified::here);

// Takes back what that has `done` to the same parts, the last one first: what was there before is
// there again. Goes on past a part that fails; the error is the first one.
Result<void> take_back(const std::vector<model::Part>& parts, const std::vector<Settled>& done,
                       const OpenKernel& open);

// What reconcile() would do now, one plan a part.
Result<std::vector<plan::Plan>> differences(const std::vector<model::Part>& parts,
                                            const OpenKernel& open);

}  // namespace ambient
