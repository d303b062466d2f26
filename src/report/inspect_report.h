// What `mcompress inspect --sizes` found.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "report/document.h"
#include "report/report.h"

namespace mcompress {

/// A constant of the model.
struct ConstantSize {
    std::string name;
    std::string node;  // that reads it first, through a DequantizeLinear
    std::string op;
    std::string type;  // "float[64,3,3,3]"
    std::int64_t elements = 0;
    std::int64_t zeros = 0;
    std::uint64_t bytes = 0;
    std::uint64_t packed = 0;  // in an archive, at the level of the report
};

struct SizeReport {
    ModelSummary model;
    int level = 3;                        // of zstd
    std::uint64_t bytes = 0;              // of the model and its data files
    std::uint64_t packed = 0;             // of an archive of them
    std::vector<ConstantSize> constants;  // the largest first

    std::int64_t elements() const;
    std::int64_t zeros() const;
};

Document describe(const SizeReport& report);
std::string to_json(const SizeReport& report);

}  // namespace mcompress
