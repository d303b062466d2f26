// What `mcompress pack` and `mcompress unpack` did.
#pragma once

#include <string>

#include "pack/archive.h"
#include "report/document.h"

namespace mcompress {

struct PackReport {
    enum class Direction { Pack, Unpack };

    Direction direction = Direction::Pack;
    std::string model;
    std::string archive;
    ArchiveSummary summary;
};

Document describe(const PackReport& report);
std::string to_json(const PackReport& report);

}  // namespace mcompress
