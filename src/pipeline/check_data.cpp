#include "pipeline/check_data.h"

#include <algorithm>

#include "engine/engine.h"
#include "ops/infer.h"
#include "pipeline/prepare.h"
#include "support/error.h"
#include "tune/input_scale.h"
#include "tune/synthetic_data.h"

namespace mcompress {

namespace {

/// The model as it came, but for weights that old exporters also list as inputs: those are constants.
std::unique_ptr<Model> load_with_constants(const std::filesystem::path& path) {
    auto model = load_inlined(path);
    infer_types(*model->graph);
    PassManager manager;
    manager.add(find_pass("fold-input-defaults").make(pass_inputs()));
    manager.run_once(*model->graph);
    return model;
}

}  // namespace

std::vector<DataFinding> check_data(const std::filesystem::path& model, const Dataset& data, int threads, UnfitData unfit) {
    std::vector<DataFinding> findings = check_samples(data, threads);
    const auto loaded = load_with_constants(model);
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
    const auto loaded = load_with_constants(model);
    return make_synthetic_data(*make_onednn_engine(), *loaded->graph, count, threads);
}

}  // namespace mcompress
