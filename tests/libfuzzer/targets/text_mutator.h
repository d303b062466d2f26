// Changes of JSON texts by words and values, for readers that see nothing of a text that is no JSON.
#pragma once

#include <span>
#include <string_view>

#include "libfuzzer/target.h"

namespace mcompress::fuzzing {

/// Replaces, repeats, moves or removes a token of the text (a string, a number, a bracketed part), or puts one of `words` in its place; sometimes changes bytes.
std::size_t mutate_json(const Mutation& mutation, std::span<const std::string_view> words);

}  // namespace mcompress::fuzzing
