// Completion scripts for shells.
#pragma once

#include <span>
#include <string>

#include "option_table.h"

namespace mcompress {

struct ShellRow {
    const char* name;
    std::string (*write)(std::span<const CommandEntry> table);
};

std::span<const ShellRow> all_shells();

}  // namespace mcompress
