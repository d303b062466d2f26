// Attributes of Fourier transforms and windows.
#pragma once

#include <cstdint>
#include <optional>

#include "ir/node.h"
#include "tensor/dtype.h"

namespace mcompress {

/// DFT. Input [… signal …, 1 (real) or 2 (complex)]; input 1 the length, from version 20 input 2 the axis.
struct DftAttrs {
    /// Forward of complex or real numbers, its inverse, half the spectrum of real numbers, and real numbers from half a spectrum.
    enum class Transform { Forward, Inverse, RealToHalf, HalfToReal };

    Transform transform = Transform::Forward;
    std::optional<std::int64_t> axis;  // before version 20; from then on input 2, -2 without one

    bool is_inverse() const { return transform == Transform::Inverse || transform == Transform::HalfToReal; }
    static DftAttrs read(const Node& node);
};

/// Short-time transform: input [batch, signal, 1 or 2], step, window, frame length.
struct StftAttrs {
    enum class Spectrum { Full, Half };
    Spectrum spectrum = Spectrum::Half;
    static StftAttrs read(const Node& node);
};

/// HannWindow, HammingWindow, BlackmanWindow of input 0 points, and MelWeightMatrix (which is not periodic).
struct SignalWindowAttrs {
    enum class Form { Symmetric, Periodic };
    DType dtype = DType::Float32;
    Form form = Form::Periodic;
    static SignalWindowAttrs read(const Node& node);
};

}  // namespace mcompress
