// .mcz: a model and its data files, compressed without loss. docs/mcz.md describes the format.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "pack/transform.h"

namespace mcompress {

struct ArchivedFile {
    std::string name;  // of a data file: its location as the model says it; of the model: its file name
    std::uint64_t bytes = 0;
};

/// Tensors by how their bytes were rearranged; a tensor of several pieces counts once a piece.
struct TransformUse {
    std::uint64_t pieces = 0;
    std::uint64_t bytes = 0;
    std::uint64_t packed = 0;
};

struct ArchiveSummary {
    std::vector<ArchivedFile> files;  // the model first
    std::uint64_t bytes = 0;          // of all files
    std::uint64_t packed = 0;         // of the archive
    std::map<TransformKind, TransformUse> tensors;
    TransformUse rest;  // everything that is no large tensor
};

struct PackOptions {
    int level = 19;  // of zstd
    int threads = 1;
};

/// A file to be packed: where it lies, and what it is called in the archive.
struct PackInput {
    std::string name;
    std::filesystem::path path;
};

/// Packs a model (the first file) and its data files. Same files, same bytes, for any number of threads. Throws kFile….
ArchiveSummary pack_files(const std::vector<PackInput>& files, const std::filesystem::path& archive, const PackOptions& options);

/// What pack_files() would say of them, without writing anything: at a low level a cheap estimate.
ArchiveSummary estimate_archive(const std::vector<PackInput>& files, const PackOptions& options);

/// Bytes that elements of `width` bytes take in an archive.
std::uint64_t packed_tensor_size(std::span<const std::byte> bytes, std::size_t width, int level);

struct UnpackOptions {
    std::uint64_t max_bytes = std::uint64_t{64} << 30;  // of all files together
};

/// What an archive holds, from its index alone. Throws kNotOnnx when it is no archive, kModelTruncated when it is damaged.
ArchiveSummary read_archive(const std::filesystem::path& archive);

/// Where unpack_files() would write: the model, then its data files. Throws as it does.
std::vector<std::filesystem::path> unpacked_paths(const std::filesystem::path& archive, const std::filesystem::path& model);

/// Writes the model to `model` and its data files beside it, byte for byte what was packed: data files first, and nothing unless every checksum is
/// right. Throws as read_archive(), kTooLarge beyond max_bytes, kExternalData for a data file that would leave the model's folder.
ArchiveSummary unpack_files(const std::filesystem::path& archive, const std::filesystem::path& model, const UnpackOptions& options);

/// Whether the file begins as an archive does.
bool is_archive(const std::filesystem::path& path);

}  // namespace mcompress
