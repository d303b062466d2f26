// One form a layer, for all layers together: least error for a number of MACs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace mcompress {

/// A form's cost (MACs) and relative error.
struct CostedForm {
    std::size_t form = 0;  // its index in the layer's list
    double cost = 0.0;
    double error = 0.0;
};

struct LayerForms {
    double cost = 0.0;              // of the layer as it is
    std::vector<CostedForm> forms;  // any order
};

/// By layer the cheapest form whose error is at most `error`; nothing where none is cheaper than the layer.
std::vector<std::optional<std::size_t>> choose_by_error(std::span<const LayerForms> layers, double error);

/// By layer a form or nothing, so that the cost of all is at most `ratio` of what it was, where that can be reached: steps along the lower convex hulls of
/// the layers' (cost, error), in one global order of error added per cost saved.
std::vector<std::optional<std::size_t>> choose_by_cost(std::span<const LayerForms> layers, double ratio);

}  // namespace mcompress
