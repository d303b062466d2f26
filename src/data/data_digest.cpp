#include "data/data_digest.h"

#include <algorithm>

#include "support/parallel.h"
#include "support/sha256.h"
#include "tensor/content.h"

namespace mcompress {

namespace {

std::string digest_of(const Sample& sample) {
    Sha256 digest;
    for (const auto& [name, tensor] : sample) {
        digest.add_string(name);
        digest.add_string(dtype_name(tensor.dtype()));
        digest.add_string(tensor.shape().to_string());
        add_elements(digest, tensor);
    }
    return digest.hex_digest();
}

}  // namespace

std::string data_digest(const Dataset& data, int threads) {
    std::vector<std::string> samples(data.size());
    parallel_for(samples.size(), threads, [&](int, std::size_t index) { samples[index] = digest_of(data.sample(index)); });
    std::sort(samples.begin(), samples.end());
    Sha256 digest;
    for (const std::string& sample : samples) digest.add_string(sample);
    return digest.hex_digest();
}

}  // namespace mcompress
