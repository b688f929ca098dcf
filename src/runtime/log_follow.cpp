// Several logs as one, and following them.
#include <sys/inotify.h>
#include <unistd.h>

#include "runtime/descriptor.hpp"
#include "runtime/logs.hpp"

namespace drover::runtime {

Result<MergedReader> MergedReader::open(const std::vector<LogSource>& sources, const LogQuery& query) {
  MergedReader merged;
  for (const auto& source : sources) {
    TRY(auto reader, LogReader::open(source.directory, query));
    merged.lanes_.push_back({std::move(reader), {}, false});
  }
  merged.tail_ = query.tail;
  return merged;
}

Result<MergedReader::Look> MergedReader::fill(Lane& lane) {
  if (!lane.ready.empty()) return Look::ready;
  if (lane.ended) return Look::end;
  TRY(auto more, lane.reader.next(64 << 10));
  lane.ready.insert(lane.ready.end(), std::make_move_iterator(more.begin()),
                    std::make_move_iterator(more.end()));
  lane.ended = lane.ready.empty() && lane.reader.at_end();
  if (!lane.ready.empty()) return Look::ready;
  return lane.ended ? Look::end : Look::not_yet;
}

Result<std::vector<MergedRecord>> MergedReader::next(std::size_t bytes) {
  if (tail_) bytes = SIZE_MAX;  // the last N of all are among the last N of each: bounded
  for (auto& lane : lanes_) lane.ended = false;
  at_end_ = false;
  std::vector<MergedRecord> out;
  for (std::size_t size = 0; size < bytes;) {
    std::optional<std::size_t> oldest;
    bool known = true;  // what each of them has next
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      TRY(const auto look, fill(lanes_[i]));
      known = known && look != Look::not_yet;
      if (look != Look::ready) continue;
      if (!oldest || lanes_[i].ready.front().wall_ns < lanes_[*oldest].ready.front().wall_ns) oldest = i;
    }
    if (!known && !tail_) return out;  // the next call goes on looking
    if (!known) continue;
    at_end_ = !oldest;
    if (at_end_) break;
    auto& from = lanes_[*oldest].ready;
    size += from.front().line.size() + sizeof(MergedRecord);
    out.push_back({*oldest, std::move(from.front())});
    from.pop_front();
  }
  if (tail_ && out.size() > *tail_) out.erase(out.begin(), out.end() - std::ptrdiff_t(*tail_));
  tail_.reset();
  return out;
}

namespace {

/// Wakes a follower when something in the directories changes, or after a second.
class Watch {
 public:
  Watch(net::Executor executor, const std::vector<LogSource>& sources)
      : sources_(sources),
        watching_(sources.size()),
        inotify_(std::move(executor), ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {}
  net::Awaitable<void> wait() {
    bool all = inotify_.get() >= 0;
    for (std::size_t i = 0; i < sources_.size() && inotify_.get() >= 0; ++i) {
      if (!watching_[i])
        watching_[i] =
            ::inotify_add_watch(inotify_.get(), sources_[i].directory.c_str(), IN_MODIFY | IN_CREATE) >= 0;
      all = all && watching_[i];
    }
    // A directory that is not there yet, or no more watches to be had: look again soon.
    if (inotify_.get() < 0) co_return co_await net::sleep_for(200ms);
    [[maybe_unused]] const auto woken = co_await net::within(all ? 1s : Duration(200ms), inotify_.readable());
    char buffer[4096];
    while (::read(inotify_.get(), buffer, sizeof buffer) > 0) {
    }
  }

 private:
  const std::vector<LogSource>& sources_;
  std::vector<bool> watching_;
  Descriptor inotify_;
};

}  // namespace

net::Awaitable<Result<void>> read_logs(net::Executor files, std::vector<LogSource> sources, LogQuery query,
                                       LogSink sink) {
  std::optional<Result<MergedReader>> reader;
  co_await net::run_on(files, [&] { reader.emplace(MergedReader::open(sources, query)); });
  if (!*reader) co_return fail(std::move(*reader).error());
  std::optional<Watch> watch;
  bool watched = false;
  for (;;) {
    std::optional<Result<std::vector<MergedRecord>>> batch;
    co_await net::run_on(files, [&] { batch.emplace((*reader)->next()); });
    if (!*batch) co_return fail(std::move(*batch).error());
    if (!(*batch)->empty()) {
      if (!co_await sink(std::move(**batch))) co_return Result<void>();
      continue;
    }
    if (!(*reader)->at_end()) continue;
    if (!query.follow) co_return Result<void>();
    if (!watch) watch.emplace(co_await net::current_executor(), sources);
    // What came between the last look and the first watch is seen by the look after it: at most a second
    // late.
    if (std::exchange(watched, true)) co_await watch->wait();
    else if (!co_await sink({})) co_return Result<void>();
  }
}

}  // namespace drover::runtime
