// Provenance inside a model: entries of its metadata that say what made it of what, and digests that show later changes.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/model.h"

namespace mcompress {

/// How a model was made. Digests are SHA-256 in hexadecimal digits; no time, host or path.
struct Stamp {
    std::string tool;               // "mcompress 0.1.0"
    std::string input;              // content_digest() of the model it was made of
    std::string recipe;             // of commands and options
    std::vector<std::string> data;  // data_digest() of every set of samples that was used, sorted
};

/// A stamp as a model holds it.
struct SealedStamp {
    Stamp stamp;
    std::string model;  // content_digest() of the model when it was written
    std::string seal;   // over all of the above: what the stamp itself said

    bool is_intact() const;
};

/// Seals a stamp for a model.
SealedStamp seal(const Stamp& stamp, std::string model);

/// The entries as serialized fields of a ModelProto, to be put at its end.
std::string stamp_fields(const SealedStamp& stamp);

/// SHA-256 over the bytes of a model file without the entries of a stamp, then over its data files by name: what
/// `cat model.onnx model.onnx.data | sha256sum` gives for a model without a stamp. Throws kModelTruncated.
std::string content_digest(const std::filesystem::path& path, std::vector<std::filesystem::path> data_files);

/// The stamp of a model file; nothing when it has none. Throws kStampInvalid for entries that are no stamp of this version, kModelTruncated.
std::optional<SealedStamp> read_stamp(const std::filesystem::path& path);

/// Takes the entries of a stamp out of a model's metadata: a model that is written anew is another one.
void drop_stamp(Model& model);

}  // namespace mcompress
