// Manual pages in the language of man(7).
#pragma once

#include <span>
#include <string>

#include "option_table.h"

namespace mcompress {

/// The page of a command; of the program itself for the first of the table. The same table gives the same bytes.
std::string manual_page(std::span<const CommandEntry> table, const CommandEntry& command);

/// "mcompress", "mcompress-quantize".
std::string page_name(const CommandEntry& command);

}  // namespace mcompress
