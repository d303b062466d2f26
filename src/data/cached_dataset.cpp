#include "data/cached_dataset.h"

#include <mutex>
#include <optional>

namespace mcompress {
namespace {

class CachedDataset final : public Dataset {
public:
    CachedDataset(std::shared_ptr<const Dataset> data, std::size_t byte_limit)
        : data_(std::move(data)), free_bytes_(byte_limit), kept_(data_->size()) {}

    std::size_t size() const override { return kept_.size(); }
    std::string sample_name(std::size_t index) const override { return data_->sample_name(index); }

    Sample sample(std::size_t index) const override {
        {
            const std::lock_guard lock(mutex_);
            if (kept_.at(index)) return *kept_[index];
        }
        Sample made = data_->sample(index);
        std::size_t bytes = 0;
        for (const auto& [name, tensor] : made) bytes += tensor.byte_size();
        const std::lock_guard lock(mutex_);
        if (!kept_[index] && bytes <= free_bytes_) {
            free_bytes_ -= bytes;
            kept_[index] = made;
        }
        return made;
    }

private:
    std::shared_ptr<const Dataset> data_;
    mutable std::mutex mutex_;
    mutable std::size_t free_bytes_;
    mutable std::vector<std::optional<Sample>> kept_;
};

}  // namespace

std::unique_ptr<Dataset> cached(std::shared_ptr<const Dataset> data, std::size_t byte_limit) {
    const bool is_kept = dynamic_cast<const CachedDataset*>(data.get()) != nullptr;
    return std::make_unique<CachedDataset>(std::move(data), is_kept ? 0 : byte_limit);
}

}  // namespace mcompress
