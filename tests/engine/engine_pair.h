// Small graphs run on both engines: the oneDNN engine must say what the reference engine says.
#pragma once

#include <string>
#include <vector>

#include "engine/engine.h"
#include "fixtures/graph_maker.h"

/// The largest difference between the engines' float outputs, divided by the largest magnitude of the reference's; 1e30 for other shapes.
double relative_difference(GraphMaker& maker, int threads = 2);
/// The largest difference of integer outputs in codes.
int code_difference(GraphMaker& maker, int threads = 2);
/// Kernel names of the oneDNN plan's steps.
std::vector<mcompress::StepInfo> steps_of(GraphMaker& maker);
bool has_step(GraphMaker& maker, const std::string& op);
bool has_reference_step(GraphMaker& maker);
