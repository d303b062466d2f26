// What every command may use: --max-memory, --max-nodes, --time-limit.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>

namespace mcompress {

struct LimitFlags {
    std::uint64_t max_memory = 0;  // 0: four fifths of what there is
    std::uint64_t max_nodes = 0;   // 0: as many as there are
    double time_limit = 0.0;       // 0: none
};

void add_limit_flags(CLI::App& app, LimitFlags& flags);

/// What the process does with memory and time; before anything is opened.
void apply_limits(const LimitFlags& flags);

}  // namespace mcompress
