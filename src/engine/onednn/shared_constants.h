// Constants in the layouts primitives chose, shared between the plans of one engine: a graph compiled for many shapes holds its weights once.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/onednn/primitives.h"
#include "support/large_pages.h"

namespace mcompress::onednn {

/// Found by contents and descriptors, so plans of different graphs may share, too. It owns nothing: a constant goes with the last plan that
/// uses it or one that lies in the same block. Safe to call from several threads.
class SharedConstants {
public:
    /// Writes the constant into memory for `layout`.
    using Write = std::function<void(std::byte* memory)>;
    /// Row-major `bytes`, described by `row_major`, in `layout`: what a plan holds already, or what `write` makes.
    std::shared_ptr<const std::byte> find_or_make(const std::byte* bytes, const Desc& row_major, const Desc& layout, const Write& write);

private:
    struct Entry {
        Desc row_major, layout;
        std::weak_ptr<const std::byte> memory;
    };
    using Entries = std::vector<Entry>;
    static std::shared_ptr<const std::byte> find(Entries& entries, const Desc& row_major, const Desc& layout);

    BlockPool pool_;

    std::mutex mutex_;
    std::unordered_map<std::string, Entries> entries_;  // by hash of the contents
};

}  // namespace mcompress::onednn
