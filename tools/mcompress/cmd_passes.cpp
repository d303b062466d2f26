// mcompress passes
#include <cstdio>
#include <memory>

#include "command.h"
#include "passes/registry.h"
#include "report/text_table.h"

namespace mcompress {

CommandRun configure_passes(CLI::App&, const GlobalOptions&) {
    return [] {
        TextTable table({{"pass", Align::Left}, {"family", Align::Left}, {"what it does", Align::Left}});
        for (const PassRow& row : all_passes())
            table.add_row({std::string(row.name), std::string(family_name(row.family)), std::string(row.summary)});
        std::fputs(table.to_string().c_str(), stdout);
        return 0;
    };
}

}  // namespace mcompress
