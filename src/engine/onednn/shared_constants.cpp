#include "engine/onednn/shared_constants.h"

#include <algorithm>

#include "support/hash.h"

namespace mcompress::onednn {

std::shared_ptr<const std::byte> SharedConstants::find(Entries& entries, const Desc& row_major, const Desc& layout) {
    std::erase_if(entries, [](const Entry& entry) { return entry.memory.expired(); });
    for (const Entry& entry : entries)
        if (entry.row_major == row_major && entry.layout == layout)
            if (auto memory = entry.memory.lock()) return memory;
    return nullptr;
}

std::shared_ptr<const std::byte> SharedConstants::find_or_make(const std::byte* bytes, const Desc& row_major, const Desc& layout,
                                                               const Write& write) {
    Hasher hasher;
    hasher.add_bytes(bytes, row_major.get_size());
    const std::string key = hasher.hex_digest();
    {
        const std::lock_guard lock(mutex_);
        if (auto found = find(entries_[key], row_major, layout)) return found;
    }
    const std::shared_ptr<std::byte> made = pool_.allocate(layout.get_size());
    write(made.get());  // not under the lock: plans of other shapes may be compiled at the same time
    const std::lock_guard lock(mutex_);
    if (auto found = find(entries_[key], row_major, layout)) return found;
    entries_[key].push_back({row_major, layout, made});
    return made;
}

}  // namespace mcompress::onednn
