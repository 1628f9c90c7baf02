// nf_tables in memory. Internal to tests/fake.
#pragma once

#include <vector>

#include "common/model/filter_table.hpp"
#include "common/plan/plan.hpp"

namespace ambient::fake {

// Applies one filter step; returns 0 or the errno that the kernel has for it. The transaction is
// the caller's: it drops `tables` when a step fails.
int apply_filter_step(std::vector<model::FilterTable>& tables, const plan::Step& step);

}  // namespace ambient::fake
