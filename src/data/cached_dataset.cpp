#include "data/cached_dataset.h"

#include <algorithm>
#include <mutex>
#include <optional>

namespace mcompress {
namespace {

class CachedDataset final : public Dataset {
public:
    CachedDataset(std::shared_ptr<const Dataset> data, std::size_t byte_limit)
        : data_(std::move(data)), byte_limit_(byte_limit), kept_(data_->size()) {}

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
        if (!kept_[index] && kept_bytes_ + bytes <= cached_bytes(size(), bytes, byte_limit_)) {
            kept_bytes_ += bytes;
            kept_[index] = made;
        }
        return made;
    }

private:
    std::shared_ptr<const Dataset> data_;
    mutable std::mutex mutex_;
    std::size_t byte_limit_;
    mutable std::size_t kept_bytes_ = 0;
    mutable std::vector<std::optional<Sample>> kept_;
};

}  // namespace

std::size_t cached_bytes(std::size_t count, std::size_t bytes_each, std::size_t byte_limit) {
    constexpr std::size_t kMostSamples = 100;
    return std::min(std::min(count, kMostSamples) * bytes_each, byte_limit);
}

std::unique_ptr<Dataset> cached(std::shared_ptr<const Dataset> data, std::size_t byte_limit) {
    const bool is_kept = dynamic_cast<const CachedDataset*>(data.get()) != nullptr;
    return std::make_unique<CachedDataset>(std::move(data), is_kept ? 0 : byte_limit);
}

}  // namespace mcompress
