// Pods and namespaces from files: no cluster needed.
#pragma once

#include <filesystem>
#include <memory>

#include <asio/posix/stream_descriptor.hpp>

#include "node-agent/source/object_files.hpp"
#include "node-agent/source/source.hpp"

namespace ambient::agent {

class FileSource final : public Source {
  public:
    // Errors: those of ObjectFiles::open.
    static Result<std::unique_ptr<FileSource>> open(const std::filesystem::path& path,
                                                    PodTable& pods);
    ~FileSource() override;
    FileSource(const FileSource&) = delete;
    FileSource& operator=(const FileSource&) = delete;

    void follow(asio::io_context& io, Changed changed) override;
    void refresh() override;
    void fetch(const PodId& id, Fetched then) override;

  private:
    FileSource(ObjectFiles files, PodTable& pods) : files_(std::move(files)), pods_(pods) {}
    void wait();
    void take_in(const ObjectFiles::Refreshed& refreshed);

    ObjectFiles files_;
    PodTable& pods_;
    Changed changed_;
    std::unique_ptr<asio::posix::stream_descriptor> readable_;
};

}  // namespace ambient::agent
