// Where the agent learns of pods and namespaces. A source follows its origin by itself; the loop
// waits on its descriptor and asks it what is new. One thread, nothing blocks.
#pragma once

#include <vector>

#include "common/base/error.hpp"
#include "common/kube/objects.hpp"

namespace ambient::agent {

class Source {
  public:
    // `changed`: objects() or complete() is another one. `errors` holds what went wrong since the
    // last refresh, each told once; the objects that were known before stay.
    struct Refreshed {
        bool changed = false;
        std::vector<Error> errors = {};
    };

    virtual ~Source() = default;

    // Readable when refresh() may find something new. Stays owned by the source, the same for its
    // whole life.
    [[nodiscard]] virtual int fd() const = 0;

    // Takes in what is new, also the first time.
    virtual Refreshed refresh() = 0;

    // Everything known now; changes only in refresh().
    [[nodiscard]] virtual kube::Objects objects() const = 0;

    // Whether objects() is the whole picture: false until everything there is has been read once
    // without error. Before that an absent pod means nothing, and nobody may be taken out of the
    // mesh for it.
    [[nodiscard]] virtual bool complete() const = 0;
};

}  // namespace ambient::agent
