#include "output_path.h"

#include "support/error.h"
#include "support/file.h"

namespace mcompress {

void check_output(const std::filesystem::path& output, Overwrite overwrite) {
    std::error_code ignored;
    if (overwrite == Overwrite::Refuse && std::filesystem::exists(std::filesystem::symlink_status(output, ignored)))
        throw Error(codes::kOutputExists, format("{} exists already", output.string()), "choose another name with -o, or pass --force");
}

std::filesystem::path choose_output(const std::filesystem::path& asked, const std::filesystem::path& input, std::string_view suffix,
                                    Overwrite overwrite) {
    const std::filesystem::path output = asked.empty() ? input.parent_path() / (input.stem().string() + std::string(suffix)) : asked;
    if (overwrite == Overwrite::Refuse && is_same_file(output, input))
        throw Error(codes::kOutputIsInput, format("{} is the input", output.string()), "choose another name with -o, or pass --force");
    check_output(output, overwrite);
    return output;
}

}  // namespace mcompress
