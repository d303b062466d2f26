#include "data/subset.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "support/error.h"

namespace mcompress {

namespace {

class Subset : public Dataset {
public:
    Subset(std::shared_ptr<const Dataset> data, std::vector<std::size_t> indices) : data_(std::move(data)), indices_(std::move(indices)) {}

    std::size_t size() const override { return indices_.size(); }
    Sample sample(std::size_t index) const override { return data_->sample(indices_.at(index)); }
    std::string sample_name(std::size_t index) const override { return data_->sample_name(indices_.at(index)); }

private:
    std::shared_ptr<const Dataset> data_;
    std::vector<std::size_t> indices_;
};

class Batches : public Dataset {
public:
    Batches(std::shared_ptr<const Dataset> data, std::size_t group) : data_(std::move(data)), group_(group) {}

    std::size_t size() const override { return data_->size() / group_; }

    Sample sample(std::size_t index) const override {
        std::vector<Sample> parts;
        for (std::size_t at = 0; at < group_; ++at) parts.push_back(data_->sample(index * group_ + at));
        Sample result;
        for (std::size_t slot = 0; slot < parts.front().size(); ++slot)
            result.emplace_back(parts.front()[slot].first, concatenate(parts, slot, index));
        return result;
    }

    std::string sample_name(std::size_t index) const override {
        return format("{} and {} more", data_->sample_name(index * group_), group_ - 1);
    }

private:
    Tensor concatenate(const std::vector<Sample>& parts, std::size_t slot, std::size_t index) const {
        const Tensor& first = parts.front()[slot].second;
        Shape shape = first.shape();
        const auto is_first = [&](const Sample& part) { return part.size() == parts.front().size() && part[slot].second.equals(first); };
        if (shape.rank() == 0 && std::all_of(parts.begin(), parts.end(), is_first)) return first;  // a setting, not a part of the sample
        for (std::size_t at = 0; at < parts.size(); ++at) {
            const bool fits = parts[at].size() == parts.front().size() && parts[at][slot].second.dtype() == first.dtype() &&
                              parts[at][slot].second.shape() == first.shape();
            if (!fits || shape.rank() == 0 || first.dtype() == DType::String)
                throw Error(codes::kDataMismatch,
                            format("{} and {} differ in shape and cannot form a batch", data_->sample_name(index * group_),
                                   data_->sample_name(index * group_ + at)),
                            "resize all samples to one shape, or use a model with a dynamic batch");
        }
        shape[0] *= static_cast<std::int64_t>(parts.size());
        Tensor result = Tensor::uninitialized(first.dtype(), shape);
        std::byte* to = result.mutable_bytes();
        for (const Sample& part : parts) {
            if (part[slot].second.byte_size() > 0) std::memcpy(to, part[slot].second.bytes(), part[slot].second.byte_size());
            to += part[slot].second.byte_size();
        }
        return result;
    }

    std::shared_ptr<const Dataset> data_;
    std::size_t group_;
};

}  // namespace

std::unique_ptr<Dataset> choose(std::shared_ptr<const Dataset> data, std::vector<std::size_t> indices) {
    return std::make_unique<Subset>(std::move(data), std::move(indices));
}

std::unique_ptr<Dataset> take(std::shared_ptr<const Dataset> data, std::size_t count) {
    const std::size_t size = std::min(count, data->size());
    std::vector<std::size_t> indices(size);
    std::iota(indices.begin(), indices.end(), std::size_t{0});
    return choose(std::move(data), std::move(indices));
}

std::unique_ptr<Dataset> shard(std::shared_ptr<const Dataset> data, std::size_t index, std::size_t count) {
    if (index >= count) fail(codes::kUsage, "there is no shard {} of {}: they are counted from 0", index, count);
    if (index >= data->size()) fail(codes::kDataEmpty, "shard {} of {} has no sample: there are only {}", index, count, data->size());
    std::vector<std::size_t> indices;
    for (std::size_t at = index; at < data->size(); at += count) indices.push_back(at);
    return choose(std::move(data), std::move(indices));
}

std::unique_ptr<Dataset> batches(std::shared_ptr<const Dataset> data, std::size_t size) {
    MCOMPRESS_CHECK(size > 0);
    if (data->size() < size) fail(codes::kDataEmpty, "the model takes batches of {}, there are only {} samples", size, data->size());
    return std::make_unique<Batches>(std::move(data), size);
}

}  // namespace mcompress
