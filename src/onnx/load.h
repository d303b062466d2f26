// ONNX file → Model.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <unordered_set>
#include <vector>

#include "ir/finding.h"
#include "ir/model.h"
#include "tensor/runtime_value.h"

namespace mcompress {

/// Loads a model. Weights stay in the mapped file until they are used. Throws kFile…, kNotOnnx, kModelTruncated, kModelInvalid (all
/// structural faults at once), kTensorInvalid, kExternalData.
std::unique_ptr<Model> load_model(const std::filesystem::path& path);

/// A model with everything that is wrong with its names, tensors and structure.
struct LoadedModel {
    std::unique_ptr<Model> model;  // with findings that are errors: good for looking at, not for more
    std::vector<Finding> findings;
    std::unordered_set<const Node*> unread;  // nodes that lack an attribute because it could not be read
};

/// As load_model, but only what makes a file unreadable as a whole is thrown: kFile…, kNotOnnx, kModelTruncated, kNestingTooDeep, kTooLarge.
LoadedModel examine_model(const std::filesystem::path& path);
LoadedModel examine_model_bytes(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, const std::filesystem::path& folder);

/// As load_model from memory kept alive by `owner`; external data is looked for in `folder` and refused when that is empty.
std::unique_ptr<Model> load_model_bytes(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                                        const std::filesystem::path& folder);

/// Reads one serialized TensorProto (test_data_set_*/input_*.pb); `name` receives its name.
Tensor load_tensor(const std::filesystem::path& path, std::string* name = nullptr);

/// Reads one serialized TensorProto, SequenceProto or OptionalProto: nothing in the file says which, `kind` does. Throws kOperatorUnsupported
/// for maps and sparse tensors, also in a sequence.
RuntimeValue load_value(const std::filesystem::path& path, ValueType::Kind kind, std::string* name = nullptr);

}  // namespace mcompress
