// Takes a taint off this node when the node is ready to capture: pods that would not tolerate being
// outside the mesh are not scheduled here before. On the loop.
#pragma once

#include <string>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include "node-agent/loop/backoff.hpp"
#include "node-agent/report/status/api.hpp"

namespace ambient::agent {

class TaintRemover {
  public:
    TaintRemover(asio::io_context& io, Send send, std::string node, std::string key);

    // Whether the node is ready to capture; as often as one likes. Each time that it becomes so the
    // node is looked at, and from then on now and then: somebody may have tainted it again.
    void ready(bool is_ready);

  private:
    void look();
    void take_node(const Result<kubeapi::Response>& answer);
    void take_removal(const Result<kubeapi::Response>& answer);
    void retry(const Result<kubeapi::Response>& answer);
    void look_after(std::chrono::milliseconds wait);

    Send send_;
    std::string node_;
    std::string key_;
    bool is_ready_ = false;
    asio::steady_timer timer_;
    Backoff backoff_;
    kubeapi::Call call_;
    std::string last_failure_;
};

}  // namespace ambient::agent
