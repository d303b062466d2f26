#include "command.h"

#include <array>

#include "support/parallel.h"

namespace mcompress {

namespace {

constexpr auto kCommands = std::to_array<CommandRow>({
    {"inspect", "Show what a model is made of: operators, parameters, MACs, bytes, inputs and outputs", configure_inspect},
    {"check", "Find everything that is wrong with a model: structure, operators, types, external data, weights", configure_check},
    {"diff", "What tells two models apart: structure, interface, weights, quantizers, metadata", configure_diff},
    {"optimize", "Clean and fuse a model; nothing it computes changes", configure_optimize, CommandRole::RewritesModel, DryRun::Yes},
    {"calibrate", "Run a model over sample data and store the value ranges it sees", configure_calibrate},
    {"quantize", "Make an int8 model: per-channel weights, calibrated activations", configure_quantize, CommandRole::RewritesModel,
     DryRun::Yes},
    {"prune", "Make weights zero, and the others make up for them where there is data", configure_prune, CommandRole::RewritesModel,
     DryRun::Yes},
    {"compact", "Remove channels, heads and hidden units that add nothing; what the model computes stays", configure_compact,
     CommandRole::RewritesModel, DryRun::Yes},
    {"convert", "Write a model in half precision or back, or a quantized one in another form", configure_convert,
     CommandRole::RewritesModel, DryRun::Yes},
    {"cluster", "Store weights as codes of small codebooks: smaller files that any runtime reads", configure_cluster,
     CommandRole::RewritesModel, DryRun::Yes},
    {"factorize", "Write large products as two or three smaller ones, where error and time allow", configure_factorize,
     CommandRole::RewritesModel},
    {"pack", "Compress a model without loss: an archive that unpacks to the same bytes", configure_pack},
    {"unpack", "Write the model that an archive holds, byte for byte", configure_unpack},
    {"sensitivity", "Rank what quantizing each value and each weight costs at the outputs", configure_sensitivity},
    {"run", "Run a model on data and store its outputs, or carry out a recipe", configure_run},
    {"validate", "Compare a model with its reference on data: accuracy, fidelity, latency, size", configure_validate},
    {"verify-stamp", "Check a model made with --stamp, and what it was made of, against its stamp", configure_verify_stamp},
    {"bench", "Measure how long models take, step by step, and against another model", configure_bench},
    {"passes", "List the graph passes", configure_passes},
    {"completions", "Write a script that completes commands and options in a shell", configure_completions},
    {"man", "Write the manual page of the program or of a command", configure_man},
    {"explain", "What an error code means, and what to do", configure_explain},
});

}  // namespace

std::span<const CommandRow> all_commands() { return kCommands; }

int thread_count(const GlobalOptions& global) { return global.threads > 0 ? global.threads : default_thread_count(); }

}  // namespace mcompress
