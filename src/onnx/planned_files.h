// What would be written, where nothing is.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace mcompress {

struct PlannedFile {
    std::filesystem::path path;
    std::uint64_t bytes = 0;
};

struct PlannedFiles {
    std::vector<PlannedFile> files;  // the model last

    std::uint64_t bytes() const {
        std::uint64_t all = 0;
        for (const PlannedFile& file : files) all += file.bytes;
        return all;
    }
};

}  // namespace mcompress
