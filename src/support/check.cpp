#include "support/check.h"

#include <cstring>

namespace mcompress {

void check_failed(const char* condition, const char* file, int line) {
    const char* slash = std::strrchr(file, '/');
    throw Error(codes::kInternal, format("{} does not hold ({}:{})", condition, slash ? slash + 1 : file, line),
                "this is a bug in mcompress; please report the command and the model's structure");
}

}  // namespace mcompress
