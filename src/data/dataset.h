// A set of samples, each a value for every model input it names.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tensor/tensor.h"

namespace mcompress {

/// Named tensors of one sample. A name may be empty when the source has none: then tensors go to the model's inputs in order.
using Sample = std::vector<std::pair<std::string, Tensor>>;

/// sample(i) is a pure function of i and safe to call from several threads, so that sharding, replay and resuming are trivial.
class Dataset {
public:
    virtual ~Dataset() = default;
    virtual std::size_t size() const = 0;
    virtual Sample sample(std::size_t index) const = 0;
    /// What a person would call sample i: a file name, "file.npy[3]".
    virtual std::string sample_name(std::size_t index) const = 0;
};

}  // namespace mcompress
