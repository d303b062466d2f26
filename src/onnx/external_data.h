// Tensor contents that lie in files beside the model.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support/file.h"

namespace mcompress {

/// Where a tensor's bytes are, as its external_data entries say.
struct ExternalLocation {
    std::string location;
    std::string offset;    // decimal; empty: 0
    std::string length;    // decimal; empty: what the shape needs
    std::string checksum;  // SHA-1 of the whole file; empty: not checked
};

/// Opens data files that a model names. The model is not trusted: a file counts only when its real path lies below one of the folders.
class ExternalFiles {
public:
    struct Bytes {
        std::shared_ptr<const MappedFile> file;
        std::size_t offset;
    };

    /// The first folder is the model's; locations are relative to it. The others are where symbolic links may lead. None: data is refused.
    explicit ExternalFiles(std::vector<std::filesystem::path> folders);

    /// `wanted` bytes of a tensor. Throws kExternalData for a location that is absolute, leaves the folders (by "..", or by a link), is no
    /// regular file or is missing, for an offset or length that does not fit the file or the tensor, and for a
    /// checksum that is not the file's.
    Bytes find(const ExternalLocation& where, std::size_t wanted);

    /// Real paths of the files that were opened, sorted.
    std::vector<std::filesystem::path> opened() const;

private:
    std::shared_ptr<const MappedFile> open(const std::string& location);
    void check_sum(const ExternalLocation& where, const MappedFile& file);

    std::vector<std::filesystem::path> folders_;  // canonical
    std::filesystem::path base_;
    std::map<std::string, std::shared_ptr<const MappedFile>> files_;
    std::map<std::string, std::string> checksums_;  // of those that were asked for
};

}  // namespace mcompress
