#include "output_path.h"

#include "onnx/data_files.h"
#include "support/error.h"
#include "support/file.h"

namespace mcompress {

void check_output(const std::filesystem::path& output, Overwrite overwrite) {
    std::error_code ignored;
    if (overwrite == Overwrite::Refuse && std::filesystem::exists(std::filesystem::symlink_status(output, ignored)))
        throw Error(codes::kOutputExists, format("{} exists already", output.string()), "choose another name with -o, or pass --force");
}

namespace {

/// Not even --force writes over weights that are still to be read, and that the input model needs afterwards.
void refuse_data_of(const std::filesystem::path& input, const std::filesystem::path& output) {
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(output, ignored) || !std::filesystem::is_regular_file(input, ignored)) return;
    for (const std::filesystem::path& file : data_files_of(input))
        if (is_same_file(file, output))
            throw Error(codes::kOutputIsInput, format("{} holds weights of {}", output.string(), input.string()),
                        "choose another name with -o");
}

}  // namespace

void refuse_input(const std::filesystem::path& output, const std::filesystem::path& input, const std::string& remedy) {
    if (is_same_file(output, input)) throw Error(codes::kOutputIsInput, format("{} is the input", output.string()), remedy);
}

std::filesystem::path output_path(const std::filesystem::path& asked, const std::filesystem::path& input, std::string_view suffix) {
    return asked.empty() ? input.parent_path() / (input.stem().string() + std::string(suffix)) : asked;
}

std::filesystem::path choose_output(const std::filesystem::path& asked, const std::filesystem::path& input, std::string_view suffix,
                                    Overwrite overwrite) {
    const std::filesystem::path output = output_path(asked, input, suffix);
    refuse_input(output, input, "choose another name with -o");
    check_output(output, overwrite);
    refuse_data_of(input, output);
    return output;
}

}  // namespace mcompress
