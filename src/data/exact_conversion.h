// Bringing numbers to the element type that a model takes, as long as no number changes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace mcompress {

/// The tensor with elements of `dtype`; nothing when a number would change (300 as uint8, 0.1 from double to float) or one of the types is
/// not an integer of 8 bits and more, float16, float or double.
std::optional<Tensor> convert_exactly(const Tensor& tensor, DType dtype);

struct WantedInput {
    std::string name;
    DType dtype = DType::Undefined;  // Undefined: leave as it is
};

/// `data` with every tensor converted to what the model input of its name takes (a tensor without a name goes by its place). Tensors that
/// cannot be converted without loss are left alone, so that whoever binds them says what does not fit.
std::unique_ptr<Dataset> match_types(std::shared_ptr<const Dataset> data, std::vector<WantedInput> inputs);

}  // namespace mcompress
