// The public interface over the pipeline: values in, values out, every exception as the public Error.
#include <algorithm>
#include <array>
#include <new>

#include "data/labels.h"
#include "mcompress/mcompress.h"
#include "mcompress/output_path.h"
#include "onnx/emit.h"
#include "onnx/load.h"
#include "pipeline/check_data.h"
#include "pipeline/compress.h"
#include "pipeline/open_data.h"
#include "pipeline/validate_models.h"
#include "quant/range_method.h"
#include "quant/target.h"
#include "report/describe.h"
#include "report/json.h"
#include "support/error.h"
#include "support/file.h"
#include "support/parallel.h"

namespace mcompress::v1 {

namespace {

/// Runs `work`; what it throws becomes the public Error.
template <typename Work> auto guarded(Work&& work) -> decltype(work()) {
    try {
        return work();
    } catch (const mcompress::Error& error) {
        throw Error(error.full_message(), error.code().id, static_cast<int>(error.kind()), error.remedy());
    } catch (const std::bad_alloc&) {
        throw Error("memory is exhausted", codes::kOutOfMemory.id, static_cast<int>(ErrorKind::Limit),
                    "free memory or use a smaller model");
    } catch (const std::exception& error) {
        throw Error(error.what(), codes::kInternal.id, static_cast<int>(ErrorKind::Internal),
                    "this is a bug in mcompress; please report it");
    }
}

std::filesystem::path place_of(const std::string& output, const std::filesystem::path& model, std::string_view suffix,
                               Overwrite overwrite) {
    const std::filesystem::path path = output_path(output, model, suffix);
    if (overwrite == Overwrite::InPlace && is_same_file(path, model)) return path;
    refuse_input(path, model, "choose another name, or pass Overwrite::InPlace");
    return choose_output(path, model, suffix, overwrite == Overwrite::Refuse ? mcompress::Overwrite::Refuse : mcompress::Overwrite::Force);
}

int threads_of(int threads) { return threads > 0 ? threads : default_thread_count(); }

template <typename Of> Report report_of(const Of& report, bool passed = true) {
    return {to_text(describe(report)), to_json(report), passed};
}

Tensor tensor_of(const Array& array) {
    return std::visit(
        [&]<typename T>(const std::vector<T>& values) {
            const Shape shape(std::vector<std::int64_t>(array.shape));
            if (shape.element_count() != static_cast<std::int64_t>(values.size()))
                throw mcompress::Error(codes::kDataInvalid, format("'{}' has {} values, its shape {} needs {}", array.name, values.size(),
                                                                   shape.to_string(), shape.element_count()));
            return Tensor::from_values<T>(shape, values);
        },
        array.values);
}

class GivenSamples : public Dataset {
public:
    explicit GivenSamples(const std::vector<Sample>& samples) {
        for (const Sample& sample : samples) {
            mcompress::Sample& own = samples_.emplace_back();
            for (const Array& array : sample) own.emplace_back(array.name, tensor_of(array));
        }
        if (samples_.empty()) throw mcompress::Error(codes::kDataEmpty, "no sample was given");
    }
    std::size_t size() const override { return samples_.size(); }
    mcompress::Sample sample(std::size_t index) const override { return samples_.at(index); }
    std::string sample_name(std::size_t index) const override { return format("sample {}", index); }

private:
    std::vector<mcompress::Sample> samples_;
};

Effort effort_of(const std::string& word) {
    constexpr std::array<std::pair<std::string_view, Effort>, 3> kEfforts{
        {{"fast", Effort::Fast}, {"balanced", Effort::Balanced}, {"max", Effort::Max}}};
    for (const auto& [name, effort] : kEfforts)
        if (word == name) return effort;
    throw mcompress::Error(codes::kUsage, format("there is no effort '{}'", word), "fast, balanced or max");
}

std::vector<Port> ports_of(std::span<Value* const> values) {
    std::vector<Port> ports;
    for (const Value* value : values) ports.push_back({value->name(), value->type().to_string()});
    return ports;
}

}  // namespace

Error::Error(const std::string& message, std::string code, int exit_code, std::string remedy)
    : std::runtime_error(message), code_(std::move(code)), exit_code_(exit_code), remedy_(std::move(remedy)) {}

Error::~Error() = default;

std::string version() { return MCOMPRESS_VERSION; }

struct Model::State {
    std::filesystem::path path;
    std::unique_ptr<mcompress::Model> model;
    std::vector<Port> inputs, outputs;
};

Model::Model(std::unique_ptr<State> state) : state_(std::move(state)) {}
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;
Model::~Model() = default;

Model Model::load(const std::string& path) {
    return guarded([&] {
        auto state = std::make_unique<State>();
        state->path = path;
        state->model = load_model(path);
        state->inputs = ports_of(state->model->graph->inputs());
        state->outputs = ports_of(state->model->graph->outputs());
        return Model(std::move(state));
    });
}

const std::vector<Port>& Model::inputs() const { return state_->inputs; }
const std::vector<Port>& Model::outputs() const { return state_->outputs; }
const std::vector<std::pair<std::string, std::string>>& Model::metadata() const { return state_->model->metadata; }

void Model::set_metadata(const std::string& key, const std::string& value) {
    auto& metadata = state_->model->metadata;
    const auto found = std::find_if(metadata.begin(), metadata.end(), [&](const auto& entry) { return entry.first == key; });
    if (found != metadata.end()) found->second = value;
    else metadata.emplace_back(key, value);
}

void Model::save(const std::string& path, Overwrite overwrite) const {
    guarded([&] { emit_model(*state_->model, place_of(path, state_->path, "", overwrite)); });
}

struct Data::State {
    std::unique_ptr<Dataset> samples;
    std::string name;
};

Data::Data(std::unique_ptr<State> state) : state_(std::move(state)) {}
Data::Data(Data&&) noexcept = default;
Data& Data::operator=(Data&&) noexcept = default;
Data::~Data() = default;

Data Data::open(const std::string& what, const std::string& model, const std::vector<std::pair<std::string, std::string>>& options) {
    return guarded([&] {
        DataRequest request{.path = what, .preset = {}, .image_options = {}, .whole_arrays = false, .limit = 0};
        for (const auto& [key, value] : options) {
            if (key == "preset") request.preset = value;
            else if (key == "samples") request.whole_arrays = value == "whole";
            else if (key == "limit") request.limit = static_cast<std::size_t>(std::stoull(value));
            else request.image_options.emplace_back(key, value);
        }
        return Data(std::make_unique<State>(State{open_data(request, *load_model(model)->graph), what}));
    });
}

Data Data::of(std::vector<Sample> samples) {
    return guarded([&] { return Data(std::make_unique<State>(State{std::make_unique<GivenSamples>(samples), "given samples"})); });
}

std::size_t Data::size() const { return state_->samples->size(); }

Report optimize(const std::string& model, const std::string& output, const OptimizeOptions& options) {
    return guarded([&] { return report_of(optimize_model(model, place_of(output, model, ".optimized.onnx", options.overwrite))); });
}

Report quantize(const std::string& model, const std::string& output, const QuantizeOptions& options) {
    return guarded([&] {
        const int threads = threads_of(options.threads);
        QuantizeRequest request{.model = model, .output = place_of(output, model, ".int8.onnx", options.overwrite)};
        request.scheme = scheme_for(find_target(options.target));
        request.scheme.effort = effort_of(options.effort);
        find_range_method(options.range_method);
        request.scheme.range_method = options.range_method;
        if (options.dynamic) request.scheme.activations = ActivationMode::Dynamic;
        request.selection.include = options.include;
        request.selection.exclude = options.exclude;
        request.threads = threads;
        std::vector<DataFinding> doubts;
        if (options.data) {
            request.data = options.data->state_->samples.get();
            request.data_name = options.data->state_->name;
            doubts = check_data(model, *request.data, threads, UnfitData::Refuse);
        }
        QuantizeReport report = quantize_model(request);
        for (const DataFinding& doubt : doubts) report.notes.push_back({"calibration data", "", doubt.what});
        return report_of(report);
    });
}

Report validate(const std::string& reference, const std::string& candidate, const Data& data, const ValidateOptions& options) {
    return guarded([&] {
        const Dataset& samples = *data.state_->samples;
        ValidateRequest request{.reference = reference, .candidate = candidate, .data = &samples, .data_name = data.state_->name};
        request.latency_seconds = options.latency_seconds;
        request.threads = threads_of(options.threads);
        if (!options.labels.empty()) request.labels = load_labels(options.labels, samples);
        if (options.min_agreement >= 0.0) request.gates.min_agreement = options.min_agreement;
        if (options.max_drop >= 0.0) request.gates.max_drop = options.max_drop;
        if (options.min_sqnr >= 0.0) request.gates.min_sqnr = options.min_sqnr;
        const ValidateReport report = validate_models(request);
        return report_of(report, gates_passed(report));
    });
}

}  // namespace mcompress::v1
