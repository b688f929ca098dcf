// The keeper's own log: what guard and keeper report goes through a pipe to the log thread, as the output of
// a service does, and into STATE/own/keeper. The guard holds the pipe over a keeper's death. Before there is
// one, and where there can be none, reports go where the starter put our stderr.

#include <fcntl.h>
#include <unistd.h>

#include "keeper/keeper.hpp"

namespace drover::keeper {

namespace {
constexpr SegmentLimits own_limits{.budget = 16u << 20, .segment = 2u << 20};

/// Both ends in one descriptor; neither reading nor writing ever waits.
Fd both_ends() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return {};
  const Fd reader(ends[0]), writer(ends[1]);
  char path[40];
  std::snprintf(path, sizeof path, "/proc/self/fd/%d", reader.get());
  return Fd(::open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK));
}

std::string exit_in_words(const InstanceInfo& info) {
  switch (info.exit) {
    case ExitKind::none: return {};
    case ExitKind::code: return "code " + std::to_string(info.exit_value);
    case ExitKind::signal: return "signal " + std::to_string(info.exit_value);
    case ExitKind::unknown: return "not known";
  }
  std::unreachable();
}
}  // namespace

void Keeper::open_own_log() {
  ::unlink((options_.run_dir + "/own-log.rec").c_str());  // of one who was killed between the next two lines
  auto record = Record::create(options_.run_dir, "own-log");
  if (!record) return report(Severity::warning, "no log of our own", {}, record.error().error);
  (*record)->unlink();  // nothing of it is worth adopting
  Fd pipe = handoff_.take(own_pipe_name);
  const bool fresh = !pipe;
  if (fresh) pipe = both_ends();
  if (!pipe || ::dup2(pipe.get(), STDERR_FILENO) < 0)
    return report(Severity::warning, "no log of our own", {}, errno);
  if (fresh) hold(own_pipe_name, pipe.get());
  own_record_ = std::move(*record);
  own_log_ = std::make_unique<Log>(*own_record_);
  own_log_->pipes[0] = std::move(pipe);
  own_log_->segments = std::make_unique<Segments>(options_.state + "/own/keeper", own_limits);
  pump_.add(own_log_.get());
}

void Keeper::tell_life(Severity severity, std::string_view message, Instance& instance) {
  const auto& info = instance.info();
  report(severity, message,
         {{"correlationId", instance.correlation},
          {"instance", instance.data().key},
          {"incarnation", std::to_string(info.incarnation)},
          {"process", info.pid != 0 ? std::to_string(info.pid) : ""},
          {"exit", exit_in_words(info)},
          {"oom", info.oom == Tri::yes ? "yes" : ""},
          {"killed", info.killed != 0 ? "yes" : ""}});
}

}  // namespace drover::keeper
