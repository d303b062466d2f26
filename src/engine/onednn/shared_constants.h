// Constants in the layouts primitives chose, shared between the plans of one engine: a graph compiled for many shapes holds its weights once.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/onednn/primitives.h"

namespace mcompress::onednn {

/// Found by contents and descriptors, so plans of different graphs may share, too. It owns nothing: a constant goes with the last plan that
/// uses it. Safe to call from several threads.
class SharedConstants {
public:
    using Make = std::function<std::shared_ptr<const dnnl::memory>()>;
    /// Row-major `bytes`, described by `row_major`, in `layout`: what a plan holds already, or what `make` returns.
    std::shared_ptr<const dnnl::memory> find_or_make(const std::byte* bytes, const Desc& row_major, const Desc& layout, const Make& make);

private:
    struct Entry {
        Desc row_major, layout;
        std::weak_ptr<const dnnl::memory> memory;
    };
    using Entries = std::vector<Entry>;
    static std::shared_ptr<const dnnl::memory> find(Entries& entries, const Desc& row_major, const Desc& layout);

    std::mutex mutex_;
    std::unordered_map<std::string, Entries> entries_;  // by hash of the contents
};

}  // namespace mcompress::onednn
