#include "passes/clean/fold_input_defaults.h"

#include <algorithm>
#include <array>

#include "passes/rewriter.h"
#include "support/format.h"

namespace mcompress {

namespace {

/// Inputs of an operator from `first` on are its weights, or the shape it gives its result: without it no shape behind is known, and every kernel there has to
/// be the slowest.
struct WeightPlace {
    std::string_view op;
    int first;
};

constexpr auto kWeightPlaces = std::to_array<WeightPlace>({
    {"Conv", 1},
    {"ConvTranspose", 1},
    {"Gemm", 1},
    {"MatMul", 0},
    {"BatchNormalization", 1},
    {"InstanceNormalization", 1},
    {"LayerNormalization", 1},
    {"PRelu", 1},
    {"Gather", 0},
    {"LSTM", 1},
    {"GRU", 1},
    {"RNN", 1},
    {"Reshape", 1},
    {"Expand", 1},
    {"Tile", 1},
    {"Slice", 1},
    {"Pad", 1},
    {"Resize", 1},
    {"Upsample", 1},
    {"Squeeze", 1},
    {"Unsqueeze", 1},
});

bool is_weight_place(const Use& use) {
    return std::any_of(kWeightPlaces.begin(), kWeightPlaces.end(),
                       [&](const WeightPlace& place) { return use.node->is(place.op) && use.index >= place.first; });
}

/// One reader is enough.
bool is_weight(const Value& value) { return std::any_of(value.uses().begin(), value.uses().end(), is_weight_place); }

void make_constant(Graph& graph, Value* input) {
    const std::string name = input->name();
    Value* constant = graph.add_constant(name, *input->default_value());
    graph.replace_all_uses(input, constant);
    graph.erase(input);
    graph.rename(constant, name);
}

class FoldInputDefaults : public Pass {
public:
    std::string_view name() const override { return "fold-input-defaults"; }
    bool evaluates() const override { return true; }  // a default may contradict what its readers need

    PassResult run(Graph& graph) override {
        PassResult result;
        const std::vector<Value*> inputs(graph.inputs().begin(), graph.inputs().end());
        for (Value* input : inputs) {
            if (!input->default_value()) continue;
            if (is_weight(*input) && !input->is_graph_output()) {
                make_constant(graph, input);
                ++result.rewrites;
            } else if (!input->uses().empty()) {
                const Node& reader = *input->uses().front().node;
                result.skipped.push_back(
                    skip(reader, format("callers may override the default of input '{}', which is no weight", input->name())));
            }
        }
        return result;
    }
};

}  // namespace

std::unique_ptr<Pass> make_fold_input_defaults() { return std::make_unique<FoldInputDefaults>(); }

}  // namespace mcompress
