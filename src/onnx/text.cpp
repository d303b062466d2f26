#include "onnx/text.h"

#include <onnx/defs/parser.h>

#include "onnx/build_model.h"
#include "support/error.h"

namespace mcompress {

namespace {

[[noreturn]] void refuse(const std::string& message) { throw Error(codes::kModelInvalid, message, "see the ONNX text syntax"); }

/// libonnx's parser recurses over bodies and types and reads a C string.
void check_text(std::string_view text) {
    constexpr int kMostNested = 100;
    if (text.find('\0') != std::string_view::npos) refuse("the text has a NUL character");
    int depth = 0;
    bool in_string = false;
    for (const char c : text) {
        if (c == '"') in_string = !in_string;
        if (in_string) continue;
        if (c == '(' || c == '{' || c == '[' || c == '<') ++depth;
        if (c == ')' || c == '}' || c == ']' || c == '>') depth = depth > 0 ? depth - 1 : 0;
        if (depth > kMostNested)
            throw Error(codes::kNestingTooDeep, format("brackets are nested more than {} deep", kMostNested), "flatten the model");
    }
    if (in_string) refuse("a string is not closed");
}

}  // namespace

std::unique_ptr<Model> parse_model(std::string_view text) {
    check_text(text);
    onnx::ModelProto proto;
    const std::string copy(text);
    try {
        onnx::OnnxParser parser(copy.c_str());
        const auto status = parser.Parse(proto);
        if (!status.IsOK()) refuse(status.ErrorMessage());
        if (!parser.EndOfInput()) refuse("there is text behind the end of the model");
    } catch (const std::logic_error& error) {  // numbers that are none, or out of range
        refuse(format("a number in the text cannot be read ({})", error.what()));
    }
    LoadedModel loaded = build_model(proto, {});
    throw_if_any(loaded.findings);
    return std::move(loaded.model);
}

}  // namespace mcompress
