// Options whose value is one word of a few.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <utility>
#include <vector>

#include "support/format.h"

namespace mcompress {

/// What CLI11 keeps of such an option is the word, in lower case, so that recipes say it. The numbers that earlier versions wrote into recipes are read as well.
template <typename Enum>
CLI::Option* add_enum_option(CLI::App& app, const std::string& name, Enum& variable, std::vector<std::pair<std::string, Enum>> words,
                             const std::string& help) {
    std::string list;
    for (const auto& [word, value] : words) list += (list.empty() ? "{" : ",") + word;
    list += "}";
    const CLI::Validator is_word(
        [words, list](std::string& text) -> std::string {
            for (const auto& [word, value] : words) {
                if (CLI::detail::to_lower(text) != word && text != std::to_string(static_cast<int>(value))) continue;
                text = word;
                return {};
            }
            return format("{} is none of {}", text, list);
        },
        list);
    return app
        .add_option_function<std::string>(
            name,
            [&variable, words](const std::string& text) {
                for (const auto& [word, value] : words)
                    if (word == text) variable = value;
            },
            help)
        ->transform(is_word)
        ->type_name("ENUM");
}

}  // namespace mcompress
