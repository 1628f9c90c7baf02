// How long each step of an ADD takes. Only an ADD that succeeds is counted as a whole. Pure.
#pragma once

#include <chrono>
#include <map>

#include "common/cni/attachment.hpp"
#include "node-agent/loop/histogram.hpp"

namespace ambient::agent {

// Of an ADD, from the plugin's question on.
struct AddTimes {
    Histogram wait;     // for the source, when it had not shown the pod yet
    Histogram decide;   // until the plugin has its answer
    Histogram program;  // in the plugin, until it says that it is done
    Histogram verify;   // until the kernel was verified
    Histogram total;
};

class AddClock {
  public:
    using Time = std::chrono::steady_clock::time_point;

    // In this order, for one attachment:
    void asked(const cni::Attachment& attachment, Time now);
    void shown(const cni::Attachment& attachment, Time now);  // where the source was waited for
    // Not enrolled: that was all.
    void answered(const cni::Attachment& attachment, bool enrolled, Time now);
    void programmed(const cni::Attachment& attachment, Time now);
    void verified(const cni::Attachment& attachment, Time now);

    // It failed, or is gone.
    void dropped(const cni::Attachment& attachment) { under_way_.erase(attachment); }

    [[nodiscard]] const AddTimes& times() const { return times_; }

  private:
    struct Add {
        Time began;
        Time last;
    };

    void step(const cni::Attachment& attachment, Histogram& histogram, Time now);
    void end(const cni::Attachment& attachment, Time now);

    std::map<cni::Attachment, Add> under_way_;
    AddTimes times_;
};

}  // namespace ambient::agent
