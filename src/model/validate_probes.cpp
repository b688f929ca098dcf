// Rules of probes and restarts.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "model/signals.hpp"
#include "model/validate.hpp"

namespace drover::detail {

namespace {
bool is_http_url(std::string_view url) {
  for (std::string_view scheme : {"http://", "https://"})
    if (url.starts_with(scheme)) return url.size() > scheme.size() && url[scheme.size()] != '/';
  return false;
}

bool is_address(std::string_view address) {
  std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  std::string_view port = address.substr(colon + 1);
  if (port.find("{{") != std::string_view::npos) return true;
  return !port.empty() && port.size() <= 5 &&
         std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; }) &&
         std::stoul(std::string(port)) >= 1 && std::stoul(std::string(port)) <= 65535;
}

bool is_path(std::string_view path) {
  return (path.starts_with('/') || path.starts_with("{{")) && path.find('\0') == path.npos;
}

bool is_header(std::string_view name, std::string_view value) {
  bool token = !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
  return token && value.find_first_of(std::string_view("\r\n\0", 3)) == value.npos;
}

/// One kind of check each; `at` is the probe.
struct CheckRules {
  const std::string& at;
  Problems& problems;

  void operator()(const HttpCheck& http) const {
    if (!is_http_url(http.url))
      problems.add(at + ".http", fmt::format("\"{}\" is not an http URL", http.url),
                   "write it as http://127.0.0.1:{{port.NAME}}/health");
    for (std::uint16_t status : http.status)
      if (status < 100 || status > 599)
        problems.add(at + ".status", fmt::format("{} is not an HTTP status (100 to 599)", status));
    for (const auto& [name, value] : http.headers)
      if (!is_header(name, value))
        problems.add(at + ".headers." + name, "this cannot be a header of a request");
    if (!http.socket.empty() && !is_path(http.socket))
      problems.add(at + ".socket", fmt::format("\"{}\" is not an absolute path", http.socket));
    if (!http.socket.empty() && http.url.starts_with("https:"))
      problems.add(at + ".http", "over a Unix socket it is asked without TLS", "write http://localhost/…");
  }
  void operator()(const TcpCheck& tcp) const { address(tcp.address, "tcp"); }
  void operator()(const ExecCheck& exec) const { check_command(exec.command, at + ".exec", problems); }
  void operator()(const LogCheck& log) const {
    if (log.pattern.empty())
      problems.add(at + ".log", "an empty expression finds every line",
                   "write what the program says when it is ready");
  }
  void operator()(const NotifyCheck&) const {}
  void operator()(const GrpcCheck& grpc) const { address(grpc.address, "grpc"); }
  void operator()(const FileCheck& file) const {
    if (!is_path(file.path))
      problems.add(at + ".file", fmt::format("\"{}\" is not an absolute path", file.path));
  }
  void address(const std::string& text, const char* key) const {
    if (!is_address(text))
      problems.add(fmt::format("{}.{}", at, key), fmt::format("\"{}\" is not an address with a port", text),
                   "write it as 127.0.0.1:{{port.NAME}}");
  }
};

void check_probe(const std::optional<Probe>& probe, const std::string& at, Problems& problems) {
  if (!probe) return;
  std::visit(CheckRules{at, problems}, probe->check);
  check_duration(probe->interval, {10ms, 1h}, at + ".interval", problems);
  check_duration(probe->timeout, {1ms, 10min}, at + ".timeout", problems);
  if (probe->failures == 0) problems.add(at + ".failures", "must be at least 1");
  if (probe->successes == 0) problems.add(at + ".successes", "must be at least 1");
}

/// What only makes sense for something that runs for ever.
void check_job(const Restart& restart, const std::string& at, Problems& problems) {
  if (restart.policy == RestartPolicy::always || restart.policy == RestartPolicy::unless_stopped)
    problems.add(at, "a job that is restarted after it ended well would never be completed",
                 "use \"no\" or \"on-failure\", or kind: service");
  if (restart.max_age > 0s) problems.add(at + ".max_age", "a job runs to its end", "use kind: service");
  if (!restart.watch.empty()) problems.add(at + ".watch", "a job runs to its end", "use kind: service");
}
}  // namespace

void check_probes(const Service& service, const std::string& at, Problems& problems) {
  const Probes& probes = service.probes;
  check_probe(probes.start, at + ".start", problems);
  check_probe(probes.ready, at + ".ready", problems);
  check_probe(probes.live, at + ".live", problems);
  check_duration(probes.start_timeout, {10ms, 24h}, at + ".start_timeout", problems);
  if (probes.live && std::holds_alternative<LogCheck>(probes.live->check))
    problems.add(at + ".live.log", "a line says that something has happened, not that it still lives",
                 "use log for start or ready");
}

void check_restart(const Service& service, const std::string& at, Problems& problems) {
  const Restart& restart = service.restart;
  check_duration(restart.backoff, {0s, 24h}, at + ".backoff", problems);
  if (restart.backoff_max < restart.backoff)
    problems.add(at + ".backoff",
                 fmt::format("it cannot grow from {} to {}", format_duration(restart.backoff),
                             format_duration(restart.backoff_max)));
  if (restart.give_up > 0)
    check_duration(restart.give_up_within, {10ms, 24h * 30}, at + ".give_up", problems);
  check_duration(restart.retry_failed, {0s, 24h * 30}, at + ".retry_failed", problems);
  if (restart.max_age != 0s) check_duration(restart.max_age, {100ms, 24h * 366}, at + ".max_age", problems);
  for (auto code : restart.success)
    if (code < 0 || code > 255)
      problems.add(at + ".success", fmt::format("{} is not an exit status (0 to 255)", code));
  for (auto code : restart.fatal)  // what is in both lists is a success
    if (code < 1 || code > 255)
      problems.add(at + ".fatal", fmt::format("{} is not the exit status of a failure (1 to 255)", code));
  for (const auto& signal : restart.fatal_signals)
    if (!signal.starts_with("SIG") || !signal_number(signal))
      problems.add(at + ".fatal_signals",
                   fmt::format("\"{}\" is not the name of a signal, such as SIGSEGV", signal));
  for (const auto& path : restart.watch)
    if (!path.starts_with('/') || path.find('\0') != path.npos)
      problems.add(at + ".watch", fmt::format("\"{}\" is not an absolute path", path));
  if (service.kind == ServiceKind::job) check_job(restart, at, problems);
}

}  // namespace drover::detail
