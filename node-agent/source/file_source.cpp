#include "node-agent/source/file_source.hpp"

#include <utility>

#include "node-agent/loop/log.hpp"

namespace ambient::agent {

Result<std::unique_ptr<FileSource>> FileSource::open(const std::filesystem::path& path,
                                                     PodTable& pods) {
    auto files = ObjectFiles::open(path);
    if (!files) {
        auto error = std::move(files).error();
        if (error.kind == ErrorKind::not_found)
            error.doing = "follow the objects' folder (source.files: make it, or name another)";
        return std::unexpected(std::move(error));
    }
    return std::unique_ptr<FileSource>(new FileSource(*std::move(files), pods));
}

// The descriptor is the files' to close.
FileSource::~FileSource() {
    if (readable_) readable_->release();
}

void FileSource::follow(asio::io_context& io, Changed changed) {
    readable_ = std::make_unique<asio::posix::stream_descriptor>(io);
    take_in(files_.look());
    changed_ = std::move(changed);
}

void FileSource::refresh() { take_in(files_.look()); }

void FileSource::fetch(const PodId& /*id*/, Fetched then) { then({}); }

void FileSource::wait() {
    readable_->async_wait(asio::posix::stream_descriptor::wait_read,
                          [this](const asio::error_code& code) {
                              if (code) return;
                              take_in(files_.refresh());
                              wait();
                          });
}

void FileSource::take_in(const ObjectFiles::Refreshed& refreshed) {
    if (readable_ && !readable_->is_open() && files_.fd() >= 0) {
        readable_->assign(files_.fd());
        wait();
    }
    for (const auto& error : refreshed.errors)
        log(LogLevel::warning, "source not read", error);
    if (!refreshed.changed || !files_.complete()) return;
    pods_.replace(files_.objects());
    if (changed_) changed_();
}

}  // namespace ambient::agent
