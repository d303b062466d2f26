#include "support/error.h"

namespace mcompress {

Error::Error(ErrorCode code, std::string message, std::string remedy)
    : code_(code), message_(std::move(message)), remedy_(std::move(remedy)) {
    render();
}

Error& Error::add_context(std::string frame) {
    context_.push_back(std::move(frame));
    render();
    return *this;
}

std::string Error::full_message() const {
    std::string text;
    for (auto frame = context_.rbegin(); frame != context_.rend(); ++frame) text += *frame + ": ";
    return text + message_;
}

void Error::render() {
    rendered_ = format("error[{}]: {}", code_.id, full_message());
    if (!remedy_.empty()) rendered_ += "\n  help: " + remedy_;
}

}  // namespace mcompress
