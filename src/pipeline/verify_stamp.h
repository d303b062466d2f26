// A stamped model against its stamp.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "report/stamp_report.h"

namespace mcompress {

struct VerifyStampRequest {
    std::filesystem::path model;
    std::filesystem::path input;             // what it is said to be made of; empty: not checked
    std::optional<std::string> recipe = {};  // digests, likewise
    std::optional<std::string> data = {};
};

/// Computes the digests anew. Throws kStampMissing, kStampInvalid, and what load_model() throws.
StampReport verify_stamp(const VerifyStampRequest& request);

}  // namespace mcompress
