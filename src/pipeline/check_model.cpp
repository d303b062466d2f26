#include "pipeline/check_model.h"

#include <algorithm>

#include "ir/oddities.h"
#include "onnx/inline_functions.h"
#include "onnx/load.h"
#include "ops/verify_ops.h"
#include "passes/verify_values.h"
#include "pipeline/summarize.h"

namespace mcompress {

namespace {

class Checker {
public:
    explicit Checker(const std::filesystem::path& path) : path_(path) { report_.model = path.string(); }

    CheckReport run(int threads) {
        if (load()) {
            add(find_oddities(*loaded_.model));
            if (expand_functions()) {
                count_parts();
                add(verify_types(*loaded_.model->graph, loaded_.unread));
                add(verify_values(*loaded_.model->graph, threads));
            }
        }
        std::stable_sort(report_.findings.begin(), report_.findings.end(),
                         [](const Finding& a, const Finding& b) { return a.severity < b.severity; });
        return std::move(report_);
    }

private:
    void add(std::vector<Finding> findings) {
        for (Finding& finding : findings) report_.findings.push_back(std::move(finding));
    }

    bool has_errors() const { return report_.count(Severity::Error) > 0; }

    bool load() {
        try {
            loaded_ = examine_model(path_);
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::File || error.kind() == ErrorKind::Internal) throw;
            report_.findings.push_back(finding_at("model", Error(error.code(), error.message(), error.remedy())));
            report_.stopped_by = "everything in the file: it cannot be taken apart";
            return false;
        }
        report_.bytes = model_file_bytes(*loaded_.model, path_);
        add(std::move(loaded_.findings));
        return true;
    }

    /// Operators in functions are known by their types only where they are called. False when nothing is left to look at.
    bool expand_functions() {
        Model& model = *loaded_.model;
        report_.functions = model.functions.size();
        const bool was_sound = !has_errors();
        for (const Function& function : model.functions) add(verify_function(function));
        if (model.functions.empty()) return true;
        if (has_errors()) {
            report_.stopped_by = "operators inside functions: their calls cannot be expanded";
            return true;
        }
        if (was_sound && collect(report_.findings, [&] { inline_functions(model); })) return true;
        report_.stopped_by = "operators and weights: the calls of functions cannot be expanded";
        return false;
    }

    void count_parts() {
        for_each_graph(*loaded_.model->graph, [&](const Graph& graph) {
            report_.nodes += graph.node_count();
            report_.constants += graph.constants().size();
        });
    }

    std::filesystem::path path_;
    LoadedModel loaded_;
    CheckReport report_;
};

}  // namespace

CheckReport check_model(const std::filesystem::path& path, int threads) { return Checker(path).run(threads); }

}  // namespace mcompress
