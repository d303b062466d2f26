#include "data/content_order.h"

#include <algorithm>
#include <numeric>

#include "data/subset.h"
#include "support/hash.h"
#include "support/parallel.h"
#include "tensor/content.h"

namespace mcompress {
namespace {

std::string digest_of(const Sample& sample) {
    Hasher hasher;
    for (const auto& [name, tensor] : sample) {
        hasher.add_string(name);
        hasher.add_integer(static_cast<std::int64_t>(tensor.dtype()));
        hasher.add_string(tensor.shape().to_string());
        add_elements(hasher, tensor);
    }
    return hasher.hex_digest();
}

}  // namespace

std::unique_ptr<Dataset> ordered_by_content(std::shared_ptr<const Dataset> data, int threads) {
    std::vector<std::string> digests(data->size());
    parallel_for(data->size(), threads, [&](int, std::size_t index) { digests[index] = digest_of(data->sample(index)); });
    std::vector<std::size_t> order(data->size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return digests[a] < digests[b]; });
    return choose(std::move(data), std::move(order));
}

}  // namespace mcompress
