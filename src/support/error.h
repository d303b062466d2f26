// The one exception type.
#pragma once

#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "support/error_codes.h"
#include "support/format.h"

namespace mcompress {

/// Thrown when a command cannot go on; caught once, in main. Carries what was found and expected, a remedy, and where it happened.
class Error : public std::exception {
public:
    explicit Error(ErrorCode code, std::string message, std::string remedy = {});

    const ErrorCode& code() const { return code_; }
    ErrorKind kind() const { return code_.kind; }
    const std::string& message() const { return message_; }
    const std::string& remedy() const { return remedy_; }
    const std::vector<std::string>& context() const { return context_; }

    /// The frames from the outermost on, and the message: "while loading m.onnx: node 'Conv_3': message".
    std::string full_message() const;

    /// Adds an outer frame, e.g. "while loading model.onnx"; the outermost frame is added last.
    Error& add_context(std::string frame);

    /// "error[E3004]: while loading m.onnx: node 'Conv_3': message" and, on a second line, "help: remedy".
    const char* what() const noexcept override { return rendered_.c_str(); }

private:
    void render();

    ErrorCode code_;
    std::string message_;
    std::string remedy_;
    std::vector<std::string> context_;
    std::string rendered_;
};

/// Throws an Error with a formatted message.
template <typename... Args> [[noreturn]] void fail(const ErrorCode& code, FormatString<Args...> text, Args&&... args) {
    throw Error(code, format(text, std::forward<Args>(args)...));
}

/// Runs `body` and adds `frame` (a string, or a callable that makes one) to any Error that leaves it.
template <typename Frame, typename Body> decltype(auto) with_context(Frame&& frame, Body&& body) {
    try {
        return std::forward<Body>(body)();
    } catch (Error& error) {
        if constexpr (requires { frame(); }) error.add_context(frame());
        else error.add_context(frame);
        throw;
    }
}

}  // namespace mcompress
