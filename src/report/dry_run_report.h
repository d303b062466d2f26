// What a command would do, found out without writing anything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "report/document.h"
#include "support/error.h"

namespace mcompress {

struct PredictedFile {
    std::string path;
    std::uint64_t bytes = 0;
};

/// What the run itself would write, and take.
struct Prediction {
    std::vector<PredictedFile> files;  // the model last
    std::uint64_t peak_memory = 0;     // bytes
    double seconds = 0.0;

    std::uint64_t bytes() const;
};

struct DryRunReport {
    std::string command, model;
    std::uint64_t model_bytes = 0;         // with its data files; 0 when it cannot be read
    std::size_t samples = 0;               // the run would use; 0: none
    std::optional<Prediction> prediction;  // nothing when an error keeps it from being made
    std::vector<Error> problems;           // each would end the run
    std::vector<std::string> notes;        // what the figures rest on
};

Document describe(const DryRunReport& report);
/// Schema "mcompress/dry-run".
std::string to_json(const DryRunReport& report);

}  // namespace mcompress
