#include "pipeline/sparse_output.h"

#include <algorithm>

#include "pipeline/summarize.h"
#include "support/log.h"

namespace mcompress {

namespace {

constexpr std::int64_t kSparseIrVersion = 6;

}  // namespace

WrittenModel emit_as(Model& model, const std::filesystem::path& path, SparseFormat sparse, const std::optional<Stamp>& stamp,
                     PlannedFiles* planned) {
    WrittenModel written;
    if (sparse == SparseFormat::Coordinates) {
        written.sparse = store_sparse_constants(*model.graph);
        if (written.sparse.constants > 0) model.ir_version = std::max(model.ir_version, kSparseIrVersion);
        log_info("{} constants stored as values and places: {} instead of {} bytes", written.sparse.constants, written.sparse.sparse,
                 written.sparse.dense);
    }
    written.summary = emit_and_summarize(model, path, stamp, planned);
    return written;
}

}  // namespace mcompress
