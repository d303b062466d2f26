#include "data/content_order.h"

#include <algorithm>
#include <numeric>

#include "support/hash.h"
#include "support/parallel.h"

namespace mcompress {
namespace {

std::string digest_of(const Sample& sample) {
    Hasher hasher;
    for (const auto& [name, tensor] : sample) {
        hasher.add_string(name);
        hasher.add_integer(static_cast<std::int64_t>(tensor.dtype()));
        hasher.add_string(tensor.shape().to_string());
        if (tensor.dtype() == DType::String) {
            for (const std::string& text : tensor.strings()) hasher.add_string(text);
        } else {
            hasher.add_bytes(tensor.stored_bytes(), tensor.byte_size());
        }
    }
    return hasher.hex_digest();
}

class Reordered final : public Dataset {
public:
    Reordered(std::shared_ptr<const Dataset> data, std::vector<std::size_t> order) : data_(std::move(data)), order_(std::move(order)) {}
    std::size_t size() const override { return order_.size(); }
    Sample sample(std::size_t index) const override { return data_->sample(order_.at(index)); }
    std::string sample_name(std::size_t index) const override { return data_->sample_name(order_.at(index)); }

private:
    std::shared_ptr<const Dataset> data_;
    std::vector<std::size_t> order_;
};

}  // namespace

std::unique_ptr<Dataset> ordered_by_content(std::shared_ptr<const Dataset> data, int threads) {
    std::vector<std::string> digests(data->size());
    parallel_for(data->size(), threads, [&](int, std::size_t index) { digests[index] = digest_of(data->sample(index)); });
    std::vector<std::size_t> order(data->size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return digests[a] < digests[b]; });
    return std::make_unique<Reordered>(std::move(data), std::move(order));
}

}  // namespace mcompress
