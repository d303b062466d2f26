// What running a model on data gave: names, types and shapes of the outputs.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "report/document.h"
#include "tensor/tensor.h"

namespace mcompress {

struct RunReport {
    struct Output {
        std::string name;
        std::string dtype;
        std::string shape;
    };
    std::string model;
    std::string file;
    std::vector<Output> outputs;
};

RunReport run_report(std::string model, std::string file, const std::vector<std::pair<std::string, Tensor>>& outputs);
Document describe(const RunReport& report);
std::string to_json(const RunReport& report);

}  // namespace mcompress
