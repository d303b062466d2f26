// Structure-aware mutations of real models: attributes, types, shapes, versions, wiring, contents of initializers.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <string>
#include <vector>

namespace mcompress::testing {

/// What mutations draw names from: everything that occurs in the models.
struct Vocabulary {
    std::vector<std::string> operators, domains, attributes, texts;

    void add(const onnx::GraphProto& graph);
    /// Sorts and drops repetitions, so that draws do not depend on the order of the models.
    void finish();
};

/// One to five mutations of the model, the same for the same seed, model and vocabulary.
void mutate(onnx::ModelProto& model, const Vocabulary& vocabulary, std::uint64_t seed);

}  // namespace mcompress::testing
