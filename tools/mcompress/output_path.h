// Where a command may write.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace mcompress {

enum class Overwrite { Refuse, Force };

/// `asked` when it is not empty, else `<stem><suffix>` beside the input ("model.onnx", ".int8.onnx" → "model.int8.onnx"). Throws
/// kOutputExists when it exists and `overwrite` is Refuse, and kOutputIsInput when it is the input itself, under whatever name and with Force too.
std::filesystem::path choose_output(const std::filesystem::path& asked, const std::filesystem::path& input, std::string_view suffix,
                                    Overwrite overwrite);

/// The path of choose_output(), whatever is there.
std::filesystem::path output_path(const std::filesystem::path& asked, const std::filesystem::path& input, std::string_view suffix);

/// The checks above for a path the user must name.
void check_output(const std::filesystem::path& output, Overwrite overwrite);

/// Throws kOutputIsInput, with what to do, when both are the same file, under whatever names.
void refuse_input(const std::filesystem::path& output, const std::filesystem::path& input, const std::string& remedy);

}  // namespace mcompress
