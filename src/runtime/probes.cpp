#include "runtime/probes.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/json.hpp"
#include "base/text.hpp"
#include "runtime/accepting.hpp"
#include "runtime/logs.hpp"
#include "runtime/probe_net.hpp"
#include "runtime/run_ports.hpp"
#include "runtime/run_record.hpp"

namespace drover::runtime {

namespace {
Lookup words_for(const ProcessDriver& driver, const agent::AskProbe& probe) {
  return words_of({probe.run.instance, probe.stack, probe.instance_name, probe.index, probe.ports},
                  driver.node());
}

constexpr Duration accept_patience = 400ms;

/// A yes could be another process's; the others are the program's own words.
bool asks_at_a_port(const Check& check) {
  return std::holds_alternative<HttpCheck>(check) || std::holds_alternative<TcpCheck>(check) ||
         std::holds_alternative<GrpcCheck>(check) || std::holds_alternative<ExecCheck>(check);
}

std::string text_of(const Error& error) {
  return error.cause.empty() ? error.message : error.message + ": " + error.cause;
}
}  // namespace

/// How far the log of one run has been searched.
struct Prober::LogScan {
  agent::Run run;
  std::optional<Result<LogReader>> reader;
  std::string found;  // the line
  bool matched = false;

  /// Blocks. Until the end of what there is, a match, or the deadline.
  void search(const std::string& pattern, const RunFacts& facts, Duration limit) {
    const auto until = std::chrono::steady_clock::now() + limit;
    if (!reader)
      reader.emplace(
          LogReader::open(facts.log_directory, {.since = facts.started, .grep = pattern, .follow = true}));
    while (*reader && !matched && std::chrono::steady_clock::now() < until) {
      auto lines = (*reader)->next(4 << 10);
      if (!lines) {
        reader.emplace(fail(std::move(lines).error()));
      } else if (!lines->empty()) {
        matched = true;
        found = valid_utf8(lines->front().line.substr(0, 160));
      } else if ((*reader)->at_end()) {
        return;
      }
    }
  }
};

net::Awaitable<Prober::Outcome> Prober::ask_log(LogCheck check, const agent::AskProbe& probe) {
  const auto facts = driver_.facts(probe.run);
  if (!facts) co_return fail(Errc::unavailable, "this run is not known here");
  auto& slot = scans_[{probe.run.instance, probe.asked}];
  if (!slot || slot->run != probe.run) {
    slot = std::make_shared<LogScan>();
    slot->run = probe.run;
  }
  const auto scan = slot;
  co_await net::run_on(driver_.files(), [&] {
    if (scan->matched) return;
    if (auto before = scan->reader ? std::nullopt : read_match(driver_.paths(), probe.run)) {
      scan->matched = true;
      scan->found = std::move(*before);
      return;
    }
    scan->search(check.pattern, *facts, probe.probe.timeout);
    if (scan->matched) write_match(driver_.paths(), probe.run, scan->found);
  });
  if (scan->matched) co_return "found: " + scan->found;
  if (scan->reader && !*scan->reader) {
    auto error = scan->reader->error();
    scan->reader.reset();  // a directory or file that could not be read now
    co_return fail(std::move(error));
  }
  co_return fail(Errc::unavailable, fmt::format("no line matches {} yet", check.pattern));
}

net::Awaitable<Prober::Outcome> Prober::ask_exec(ExecCheck check, const agent::AskProbe& probe) {
  agent::Spawn of{probe.run,   Placement{probe.run.instance, 0, 0, {}},
                  probe.stack, probe.instance_name,
                  probe.index, probe.service,
                  probe.ports};
  const auto timeout = probe.probe.timeout;
  CO_TRY(const auto ran, co_await driver_.run_beside(std::string(enum_name(probe.asked)), std::move(of),
                                                     std::move(check.command), timeout));
  if (ran.timed_out) co_return fail(Errc::timeout, "no answer within " + human_duration(timeout));
  auto detail = describe(ran.exit);
  if (!ran.lines.empty()) detail += ": " + ran.last_line().substr(0, 200);
  if (!succeeded(ran.exit)) co_return fail(Errc::unavailable, detail);
  co_return detail;
}

net::Awaitable<Prober::Outcome> Prober::ask_file(FileCheck check, const agent::AskProbe& probe) {
  CO_TRY(const auto path, fill(check.path, words_for(driver_, probe)));
  int error = 0;
  co_await net::run_on(driver_.files(), [&] {
    struct stat info{};
    error = ::stat(path.c_str(), &info) == 0 ? 0 : errno;
  });
  if (error == 0) co_return path + " exists";
  const bool not_there = error == ENOENT || error == ENOTDIR;
  co_return fail(not_there ? Errc::unavailable : Errc::invalid,
                 fmt::format("{}: {}", path, std::strerror(error)));
}

Prober::Outcome Prober::ask_notify(const agent::AskProbe& probe) const {
  const auto said = driver_.notify().said(probe.run);
  if (!said) return fail(Errc::invalid, "its sd_notify socket could not be bound");
  const std::string status = said->status.empty() ? "" : ": " + said->status;
  if (probe.asked == agent::Asked::live) {
    const auto silence = driver_.notify().silence(probe.run).value_or(Duration(0));
    if (silence <= probe.probe.interval) return "WATCHDOG=1 came";
    return fail(Errc::unavailable, fmt::format("no WATCHDOG=1 for {}", human_duration(silence)));
  }
  if (said->error != 0 && !said->ready)
    return fail(Errc::unavailable, fmt::format("it says {}{}", std::strerror(said->error), status));
  if (said->stopping) return fail(Errc::unavailable, "it says that it is stopping" + status);
  if (!said->ready) return fail(Errc::unavailable, "it has not said READY=1" + status);
  const std::string main = said->main_pid == 0 ? "" : fmt::format(", main process {}", said->main_pid);
  return (said->reloading ? "it reloads" : "READY=1") + main + status;
}

net::Awaitable<Prober::Outcome> Prober::ask_one(const agent::AskProbe& probe) {
  const auto timeout = probe.probe.timeout;
  const Check& check = probe.probe.check;
  if (const auto* http = std::get_if<HttpCheck>(&check))
    co_return co_await ask_http(*http, words_for(driver_, probe), timeout);
  if (const auto* tcp = std::get_if<TcpCheck>(&check))
    co_return co_await ask_tcp(driver_.files(), *tcp, words_for(driver_, probe), timeout);
  if (const auto* grpc = std::get_if<GrpcCheck>(&check))
    co_return co_await ask_grpc(driver_.files(), *grpc, words_for(driver_, probe), timeout);
  if (const auto* exec = std::get_if<ExecCheck>(&check)) co_return co_await ask_exec(*exec, probe);
  if (const auto* log = std::get_if<LogCheck>(&check)) co_return co_await ask_log(*log, probe);
  if (const auto* file = std::get_if<FileCheck>(&check)) co_return co_await ask_file(*file, probe);
  co_return ask_notify(probe);
}

/// Who has a port that this run declares, though it is none of its processes; "" when all is well.
net::Awaitable<std::string> Prober::stolen_port(const agent::AskProbe& probe) {
  const auto facts = driver_.facts(probe.run);
  if (!facts || probe.ports.empty()) co_return "";
  const RunProcesses run{facts->cgroup, facts->pid};
  const bool shares = driver_.shares_sockets(probe.run) && asks_at_a_port(probe.probe.check);
  std::string stolen;
  co_await net::run_on(driver_.files(), [&] {
    stolen = foreign_listener(probe.service, probe.ports, run);
    if (stolen.empty() && shares) stolen = not_accepting(probe.service, probe.ports, run, accept_patience);
  });
  co_return stolen;
}

net::Awaitable<agent::ProbeAnswer> Prober::ask(agent::AskProbe probe) {
  auto outcome = co_await ask_one(probe);
  if (outcome && probe.check_ports)
    if (auto stolen = co_await stolen_port(probe); !stolen.empty())
      outcome = fail(Errc::conflict, std::move(stolen));
  agent::ProbeAnswer answer{.run = probe.run, .asked = probe.asked, .ok = outcome.has_value(), .detail = {}};
  answer.detail = outcome ? *outcome : text_of(outcome.error());
  answer.unrunnable = !outcome && outcome.error().code == Errc::invalid;
  co_return answer;
}

void Prober::forget(const InstanceId& instance) {
  std::erase_if(scans_, [&](const auto& one) { return one.first.first == instance; });
}

}  // namespace drover::runtime
