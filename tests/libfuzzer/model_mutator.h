// Meaningful changes of a model: those of tests/fuzz/mutator.h, and larger ones (quantizers, bodies, functions, chains).
#pragma once

#include <onnx/onnx_pb.h>

#include <cstddef>
#include <cstdint>

#include "fixtures/random_tensors.h"
#include "libfuzzer/target.h"

namespace mcompress::fuzzing {

/// Changes a model; the same for the same seed.
void mutate_model(onnx::ModelProto& model, std::uint64_t seed);

/// Changes the serialized model in the mutation's bytes: mostly by mutate_model(), sometimes (and always when it cannot be parsed) as bytes.
std::size_t mutate_serialized_model(const Mutation& mutation);

/// Puts a message in place of the mutation's bytes; nothing when it is too large.
std::optional<std::size_t> store(const google::protobuf::MessageLite& message, const Mutation& mutation);

}  // namespace mcompress::fuzzing
