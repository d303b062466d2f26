#include "pipeline/check_data.h"

#include <algorithm>

#include "engine/engine.h"
#include "ops/infer.h"
#include "pipeline/prepare.h"
#include "support/error.h"
#include "tune/input_scale.h"
#include "tune/synthetic_data.h"

namespace mcompress {

std::vector<DataFinding> check_data(const std::filesystem::path& model, const Dataset& data, int threads, UnfitData unfit) {
    std::vector<DataFinding> findings = check_samples(data, threads);
    const auto loaded = load_inlined(model);
    infer_types(*loaded->graph);
    for (DataFinding& finding : check_input_scale(*make_onednn_engine(), *loaded->graph, data, threads))
        findings.push_back(std::move(finding));
    const auto is_unfit = [](const DataFinding& finding) { return finding.verdict == DataFinding::Verdict::Unfit; };
    std::stable_partition(findings.begin(), findings.end(), is_unfit);
    if (unfit == UnfitData::Allow || findings.empty() || !is_unfit(findings.front())) return findings;
    std::string evidence, remedy;
    for (const DataFinding& finding : findings) {
        if (!is_unfit(finding)) break;
        evidence += (evidence.empty() ? "" : "; ") + finding.what;
        remedy += (remedy.empty() ? "" : "; ") + finding.remedy;
    }
    throw Error(codes::kDataUnfit, evidence, remedy + "; --allow-unfit-data calibrates on it all the same");
}

std::unique_ptr<Dataset> synthetic_data(const std::filesystem::path& model, std::size_t count, int threads) {
    const auto loaded = load_inlined(model);
    infer_types(*loaded->graph);
    return make_synthetic_data(*make_onednn_engine(), *loaded->graph, count, threads);
}

}  // namespace mcompress
