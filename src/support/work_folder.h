// A folder beside an output for what is not finished yet.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "support/interruption.h"

namespace mcompress {

/// `.<name of the target>.steps` in the target's folder: always the same name, so that reports that quote it keep their bytes, and one user at a time. What a run
/// that was killed left behind is removed; the folder goes with the object. Throws kOutputBusy when another process works on the same target, kFileUnwritable.
class WorkFolder {
public:
    explicit WorkFolder(const std::filesystem::path& target);
    ~WorkFolder();
    WorkFolder(const WorkFolder&) = delete;
    WorkFolder& operator=(const WorkFolder&) = delete;

    const std::filesystem::path& path() const { return path_; }

    /// Makes a folder in it; throws kFileUnwritable.
    std::filesystem::path make_subfolder(const std::string& name) const;

    /// Moves every file of a subfolder beside the target, the one named like it last: readers see the old model or the new one with its data.
    void publish(const std::filesystem::path& subfolder, const std::filesystem::path& target) const;

private:
    std::filesystem::path path_;
    std::optional<Unfinished> unfinished_;
    int lock_ = -1;
};

}  // namespace mcompress
