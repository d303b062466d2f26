// The Python dictionary at the start of a .npy file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mcompress {

struct NpyFields {
    std::string descr;
    bool is_fortran = false;
    std::vector<std::int64_t> shape;
};

/// Reads "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }". Throws kDataInvalid on anything else; a structured dtype
/// (a list as descr) is named as such.
NpyFields parse_npy_fields(std::string_view text, std::string_view what);

}  // namespace mcompress
