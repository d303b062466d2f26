#include "limit_options.h"

#include "option_range.h"
#include "report_error.h"
#include "support/memory.h"
#include "support/process_limits.h"

namespace mcompress {

void add_limit_flags(CLI::App& app, LimitFlags& flags) {
    app.add_option("--max-memory", flags.max_memory,
                   "Memory to use at most, as 2GB or 500MiB (default: 80 % of what the machine or its control group has)")
        ->transform(CLI::AsSizeValue(true))
        ->type_name("SIZE");
    app.add_option("--max-nodes", flags.max_nodes, "Refuse models of more nodes, bodies and functions included (default: no limit)")
        ->check(CLI::PositiveNumber);
    app.add_option("--time-limit", flags.time_limit,
                   "Seconds after which the command ends with exit code 5; no file is left half written (default: no limit)")
        ->check(in_range(1e-3, 1e9))
        ->type_name("SECONDS");
}

void apply_limits(const LimitFlags& flags) {
    keep_freed_memory();
    ProcessLimits limits;
    limits.memory = flags.max_memory > 0 ? flags.max_memory : default_memory_limit();
    if (flags.max_nodes > 0) limits.nodes = flags.max_nodes;
    set_process_limits(limits);
    if (flags.time_limit <= 0.0) return;
    const auto say = [seconds = flags.time_limit](const std::vector<std::filesystem::path>& written) {
        std::string files;
        for (const std::filesystem::path& file : written) files += (files.empty() ? "" : ", ") + file.string();
        return text_of(Error(codes::kTimeLimit, format("the time limit of {} s is over; {}", seconds,
                                                       files.empty() ? "nothing was written" : "complete by then: " + files)));
    };
    end_at_time_limit(flags.time_limit, say, static_cast<int>(codes::kTimeLimit.kind));
}

}  // namespace mcompress
