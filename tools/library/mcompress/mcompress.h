// The public interface of the library: what the commands optimize, quantize and validate do, for C++17 programs.
//
// Everything else in the library is hidden. Within namespace v1 only additions are made; what would break a caller comes as v2 beside it. Functions may be called
// from several threads at once. Nothing is printed; warnings of the work go to standard error, as from the command line.
#ifndef MCOMPRESS_MCOMPRESS_H
#define MCOMPRESS_MCOMPRESS_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace mcompress::v1 {

/// What every function throws when it cannot do its work. Codes (E3004) and exit codes are those of the command line; what() names file, object and what was found.
class Error : public std::runtime_error {
public:
    Error(const std::string& message, std::string code, int exit_code, std::string remedy);
    ~Error() override;

    const std::string& code() const noexcept { return code_; }
    int exit_code() const noexcept { return exit_code_; }
    const std::string& remedy() const noexcept { return remedy_; }

private:
    std::string code_;
    int exit_code_;
    std::string remedy_;
};

/// The version of the library: "0.1.0".
std::string version();

/// What may be where an output goes: nothing; any file, but the model that is read; also that model, which the result replaces all at once when it is complete. A file that holds
/// weights of that model never.
enum class Overwrite { Refuse, Force, InPlace };

/// An input or output of a model: "x", "float[1,3,224,224]".
struct Port {
    std::string name;
    std::string type;
};

/// A model in memory; its weights stay in the file until they are used, so the file must stay as it is.
class Model {
public:
    /// Checks the whole model.
    static Model load(const std::string& path);
    Model(Model&&) noexcept;
    Model& operator=(Model&&) noexcept;
    ~Model();

    const std::vector<Port>& inputs() const;
    const std::vector<Port>& outputs() const;
    const std::vector<std::pair<std::string, std::string>>& metadata() const;
    /// An existing key gets a new value.
    void set_metadata(const std::string& key, const std::string& value);

    /// Appears under its name when it is complete. Above 2 GiB weights go to a file beside it.
    void save(const std::string& path, Overwrite overwrite = Overwrite::Refuse) const;

private:
    struct State;
    explicit Model(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

/// A tensor of a sample, row by row. The name is that of a model input; it may be empty when the model has one input.
struct Array {
    std::string name;
    std::vector<std::int64_t> shape;
    std::variant<std::vector<float>, std::vector<std::int64_t>, std::vector<std::int32_t>, std::vector<std::uint8_t>> values;
};
using Sample = std::vector<Array>;

/// What a function found, as the command of the same name reports it.
struct Report {
    std::string text;
    std::string json;
    bool passed = true;  // whether the gates that were asked for are met
};

struct QuantizeOptions;
struct ValidateOptions;

/// Samples to calibrate or to validate on.
class Data {
public:
    /// What --data takes, made to fit the inputs of a model file. Options are those of the command line without dashes: {"preset", "imagenet"},
    /// {"scale", "1/255"}, {"limit", "100"}.
    static Data open(const std::string& what, const std::string& model,
                     const std::vector<std::pair<std::string, std::string>>& options = {});
    /// Samples that the caller has.
    static Data of(std::vector<Sample> samples);
    Data(Data&&) noexcept;
    Data& operator=(Data&&) noexcept;
    ~Data();

    std::size_t size() const;

private:
    friend Report quantize(const std::string& model, const std::string& output, const QuantizeOptions& options);
    friend Report validate(const std::string& reference, const std::string& candidate, const Data& data, const ValidateOptions& options);
    struct State;
    explicit Data(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

struct OptimizeOptions {
    Overwrite overwrite = Overwrite::Refuse;
};

/// Writes a cleaned and fused model that computes the same.
Report optimize(const std::string& model, const std::string& output, const OptimizeOptions& options = {});

/// Words are those of the command line; an unknown one is an Error of code E1001.
struct QuantizeOptions {
    Overwrite overwrite = Overwrite::Refuse;
    const Data* data = nullptr;  // to calibrate on; without: weights only, or activations while the model runs when `dynamic`
    bool dynamic = false;
    std::string effort = "balanced";  // fast, balanced, max
    std::string target = "ort-cpu";   // what is to run the model (docs/targets.md)
    std::string range_method = "auto";
    std::vector<std::string> include;  // nodes: names, wildcards, /expressions/, type:Conv, from..to; empty: all
    std::vector<std::string> exclude;
    int threads = 0;  // 0: all processors; changes speed, never results
};

/// Writes an int8 model.
Report quantize(const std::string& model, const std::string& output, const QuantizeOptions& options = {});

struct ValidateOptions {
    std::string labels;            // a file with the class of each sample; empty: none
    double min_agreement = -1.0;   // gates: percent of equal decisions,
    double max_drop = -1.0;        // points of top-1 that may be lost (needs labels),
    double min_sqnr = -1.0;        // dB of every output; negative: not asked for
    double latency_seconds = 0.0;  // time to measure latency for
    int threads = 0;
};

/// Compares a model with its reference. A gate that is not met is no Error: `passed` says so.
Report validate(const std::string& reference, const std::string& candidate, const Data& data, const ValidateOptions& options = {});

}  // namespace mcompress::v1

#endif
