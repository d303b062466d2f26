// A model: a graph and what surrounds it in a file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ir/graph.h"

namespace mcompress {

/// A model-local function: identified, carried, not interpreted. Its nodes are expanded by whoever executes them.
struct Function {
    std::string domain;
    std::string name;
    std::string overload;
    std::string bytes;  // the serialized FunctionProto
};

struct Model {
    Model() : opset_imports(std::make_shared<OpsetImports>()), graph(std::make_unique<Graph>(opset_imports)) {}

    std::int64_t ir_version = 8;
    std::string producer_name;
    std::string producer_version;
    std::string domain;
    std::int64_t model_version = 0;
    std::string doc_string;
    std::vector<std::pair<std::string, std::string>> metadata;
    std::shared_ptr<OpsetImports> opset_imports;
    std::vector<Function> functions;
    std::string extra;  // serialized fields that mcompress does not interpret
    /// Files besides the model's own that its tensors were read from, each once; what a loader found, not part of the model's content.
    std::vector<std::filesystem::path> external_files;
    std::unique_ptr<Graph> graph;
};

}  // namespace mcompress
