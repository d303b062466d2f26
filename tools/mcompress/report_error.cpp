#include "report_error.h"

#include <algorithm>
#include <cstdio>
#include <new>
#include <string_view>

#include "report/text_table.h"
#include "support/error_catalog.h"

namespace mcompress {

namespace {

std::string remedy_of(const Error& error) {
    if (!error.remedy().empty()) return error.remedy();
    const ErrorEntry* const entry = find_error(error.code().id);
    return entry ? entry->remedy : "";
}

void name_model(const CLI::App& command, Error& error) {
    const CLI::Option* const file = command.get_option_no_throw("file");
    const CLI::Option* const option = file ? file : command.get_option_no_throw("model");
    if (!option || option->count() == 0 || error.kind() == ErrorKind::Usage) return;
    const std::string model = option->as<std::string>();
    const auto& frames = error.context();
    const bool is_named =
        error.message().find(model) != std::string::npos ||
        std::any_of(frames.begin(), frames.end(), [&](const std::string& frame) { return frame.find(model) != std::string::npos; });
    if (!is_named) error.add_context("in " + model);
}

}  // namespace

std::string text_of(const Error& error) {
    return printable(format("error[{}]: {}", error.code().id, error.full_message())) + "\n  help: " + printable(remedy_of(error)) + "\n";
}

int report_error(const Error& error) {
    std::fputs(text_of(error).c_str(), stderr);
    return static_cast<int>(error.kind());
}

int report_exhausted_memory() noexcept {
    // What it says is put together here: whatever is made of strings would need memory itself.
    for (const char* part :
         {"error[", codes::kOutOfMemory.id,
          "]: memory is exhausted\n  help: free memory, use fewer threads, raise --max-memory, or use a smaller model\n"})
        std::fputs(part, stderr);
    return static_cast<int>(codes::kOutOfMemory.kind);
}

int reporting_errors(const std::function<int()>& body) {
    try {
        try {
            return body();
        } catch (const Error& error) {
            return report_error(error);
        } catch (const std::bad_alloc&) {
            throw;
        } catch (const std::exception& error) {
            return report_error(Error(codes::kInternal, error.what(), "this is a bug in mcompress; please report the command"));
        }
    } catch (const std::bad_alloc&) {
        return report_exhausted_memory();
    }
}

CommandRun naming_model(const CLI::App& app, CommandRun command) {
    return [&app, command = std::move(command)] {
        try {
            return command();
        } catch (Error& error) {
            name_model(app, error);
            throw;
        }
    };
}

}  // namespace mcompress
