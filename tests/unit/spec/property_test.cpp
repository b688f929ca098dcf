// read_stack(print_stack(s)) == s for stacks that nobody thought of.
#include <gtest/gtest.h>
// gtest must come first
#include <rapidcheck/gtest.h>

#include "spec/read.hpp"

namespace drover {
namespace {

template <class T>
T pick(std::initializer_list<T> from) {
  return *rc::gen::elementOf(std::vector<T>(from));
}
std::uint64_t number(std::uint64_t low, std::uint64_t high) { return *rc::gen::inRange(low, high + 1); }
bool coin() { return number(0, 1) == 1; }

/// Texts that are hard to write: quotes, dollars, line ends, words that YAML reads as something else.
std::string text() {
  return pick<std::string>({"",     "a",           "$",    "$$",   "${X}",       "$X",    "\"",
                            "'",    "\\",          "true", "null", "~",          "0755",  "1e3",
                            "- a",  "a: b",        "# c",  "é😀",  "line\nline", "tab\t", " blank ",
                            "}}",   "{{{{",        "<<",   "&a",   "*a",         "!t",    "{{instance.name}}",
                            "\x7f", "\xe2\x80\xa8"});
}
std::string word() { return pick<std::string>({"a", "web", "db-1", "x_y", "9", "null", "true"}); }
Duration duration(Duration low, Duration high) {
  return Duration(std::int64_t(number(std::uint64_t(low.count()), std::uint64_t(high.count()))));
}
template <class T, class F>
std::vector<T> some(F make, std::size_t most) {
  std::vector<T> out;
  for (std::size_t i = number(0, most); i > 0; --i) out.push_back(make());
  return out;
}

std::vector<std::string> command() {
  std::vector<std::string> out{"./program"};
  for (std::string& one : some<std::string>(text, 3)) out.push_back(std::move(one));
  return out;
}

Probe probe() {
  Probe out;
  switch (number(0, 6)) {
    case 0: out.check = HttpCheck{.url = "http://127.0.0.1:1/" + pick<std::string>({"", "$x", "a b"})}; break;
    case 1: out.check = TcpCheck{"127.0.0.1:" + std::to_string(number(1, 65535))}; break;
    case 2: out.check = LogCheck{pick<std::string>({"ready", "^a$", "\\d+ \"x\""})}; break;
    case 3: out.check = NotifyCheck{}; break;
    case 4: out.check = GrpcCheck{"127.0.0.1:50051", pick<std::string>({"", "a.B"})}; break;
    case 5: out.check = FileCheck{pick<std::string>({"/run/a b", "/x$y"})}; break;
    default: out.check = ExecCheck{command()};
  }
  if (auto* http = std::get_if<HttpCheck>(&out.check); http && coin()) {
    http->status = {200, 404};
    http->headers = {{"X-A", "b$c"}};
    http->body = "ok|\\$";
    http->socket = "/run/x.sock";
  }
  out.interval = duration(10ms, 1h);
  out.timeout = duration(1ms, 10min);
  out.failures = std::uint32_t(number(1, 1000));
  out.successes = std::uint32_t(number(1, 1000));
  return out;
}

std::optional<Probe> maybe_live() {
  std::optional<Probe> out = coin() ? std::optional(probe()) : std::nullopt;
  return out && std::holds_alternative<LogCheck>(out->check) ? std::nullopt : out;
}

std::optional<Probe> maybe_probe() { return coin() ? std::optional(probe()) : std::nullopt; }

template <class T>
std::optional<T> maybe(std::uint64_t low, std::uint64_t high) {
  return coin() ? std::optional<T>(T(number(low, high))) : std::nullopt;
}

void limits(ProcessSpec& spec) {
  if (coin()) spec.limits.cpus = double(number(1, 400)) / 16;
  spec.limits.memory = maybe<std::uint64_t>(1 << 20, 1ull << 40);
  spec.limits.pids = maybe<std::uint32_t>(1, 100'000);
  spec.limits.io_weight = maybe<std::uint32_t>(1, 10'000);
  if (coin()) spec.limits.oom_score = std::int32_t(number(0, 2000)) - 1000;
  if (coin()) spec.limits.rlimits["nofile"] = {number(0, 1000), 1000 + number(0, 1000)};
  if (coin()) spec.limits.rlimits["core"] = {0, UINT64_MAX};
  if (coin()) spec.groups = {"video", "$x"};
  Isolation& isolation = spec.isolation;
  if (coin()) isolation.capabilities = pick<std::vector<std::string>>({{}, {"CAP_CHOWN", "CAP_BPF"}});
  isolation.no_new_privileges = coin();
  isolation.private_tmp = coin() && spec.working_dir != "/tmp/$x";
  isolation.read_only = coin();
  if (coin()) isolation.read_only_paths = {"/etc", "/$x"};
  if (coin()) isolation.read_write_paths = {"/srv"};
}

Service service(std::size_t index) {
  Service out;
  out.name = word() + std::to_string(index);
  out.kind = pick({ServiceKind::service, ServiceKind::job});
  ProcessSpec spec;
  spec.command = command();
  spec.working_dir = pick<std::string>({"/", "/srv/a b", "/tmp/$x"});
  for (std::size_t i = number(0, 3); i > 0; --i) spec.environment["K" + std::to_string(i)] = text();
  spec.user = pick<std::string>({"", "anna", "1000"});
  spec.group = pick<std::string>({"", "adm"});
  spec.umask = std::uint32_t(number(0, 0777));
  spec.nice = std::int32_t(number(0, 39)) - 20;
  limits(spec);
  out.spec = spec;
  for (std::size_t i = number(0, 2); i > 0; --i) {
    std::uint16_t base = coin() ? 0 : std::uint16_t(1000 * index + 10 * i + 100);
    out.ports.push_back({"p" + std::to_string(i), base, base > 0 && coin() ? "instance.index" : "",
                         pick<std::string>({"tcp", "udp"})});
  }
  out.probes = {maybe_probe(), maybe_probe(), maybe_live(), duration(10ms, 24h)};
  out.restart.policy = out.kind == ServiceKind::job
                           ? pick({RestartPolicy::no, RestartPolicy::on_failure})
                           : pick({RestartPolicy::always, RestartPolicy::unless_stopped});
  out.restart.backoff = duration(1ms, 1h);
  out.restart.backoff_max = out.restart.backoff + duration(0s, 1h);
  out.restart.give_up = std::uint32_t(number(0, 100));
  out.restart.give_up_within = duration(10ms, 24h);
  out.restart.retry_failed = duration(0s, 24h);
  if (coin()) out.restart.success = {0, 3};
  if (coin()) out.restart.fatal = {9};
  if (coin()) out.restart.fatal_signals = {"SIGSEGV", "SIGBUS"};
  out.restart.on_unhealthy = pick({OnUnhealthy::restart, OnUnhealthy::alert});
  out.restart.memory_max = coin() ? number(0, 1ull << 40) : 0;
  if (coin() && out.kind == ServiceKind::service) out.restart.max_age = duration(100ms, 24h);
  if (coin() && out.kind == ServiceKind::service) out.restart.watch = {"/srv/a", "/srv/b $c"};
  out.restart.dependants = coin();
  out.stop = {
      pick<std::string>({"SIGTERM", "SIGKILL", "SIGUSR1"}), duration(0s, 24h), {}, {}, StopTarget::main};
  if (coin()) out.stop.before = command();
  if (coin()) out.stop.target = StopTarget::all;
  if (coin() && out.stop.grace > 2s) out.stop.then = {{"SIGINT", 1s}, {"SIGHUP", 1500ms}};
  out.scale = coin() ? Scale{ScaleKind::per_node, 1} : Scale{ScaleKind::count, std::uint32_t(number(0, 5))};
  if (coin()) out.place = {PlaceStrategy::manual, {"n1", "n2", "n3", "n4", "n5"}, {}};
  if (coin()) out.place.constraints = {"label.site == home", "host.arch != \"x y\"", "label.$x"};
  if (!out.place.constraints.empty()) out.place.constraints.pop_back();
  if (coin()) out.place.prefer = {"resource.memory >= 16GiB"};
  if (coin()) out.place.spread_over = "label.zone";
  if (coin()) out.place.max_per_node = std::uint32_t(number(1, 10));
  if (coin()) out.reserve = {{"cpu", 0.25}, {"memory", double(number(1, 1ull << 40))}, {"licence", 2}};
  out.update = {.batch = std::uint32_t(number(1, 100)),
                .healthy_for = duration(0s, 24h),
                .no_progress = duration(10ms, 24h)};
  bool beside = out.kind == ServiceKind::service &&
                std::ranges::all_of(out.ports, [](const Port& port) { return port.published == 0; });
  if (beside && coin()) {
    out.update.canary = std::uint32_t(number(1, 10));
    out.update.auto_promote = coin();
  }
  out.logs.segment = number(4096, 1ull << 40);
  out.logs.budget = out.logs.segment + number(0, 1ull << 40);
  out.logs.on_full = pick({LogFull::block, LogFull::drop});
  out.logs.compress = pick({LogCompress::zstd, LogCompress::none});
  for (std::size_t i = number(0, 2); i > 0; --i) out.labels["l." + std::to_string(i)] = text();
  return out;
}

Stack stack() {
  Stack out;
  out.name = word();
  for (std::size_t i = 0, count = number(1, 4); i < count; ++i) {
    out.services.push_back(service(i));
    for (std::size_t k = 0; k < i; ++k) {
      bool job = out.services[k].kind == ServiceKind::job;
      if (coin())
        out.services[i].depends_on.push_back(
            {out.services[k].name,
             job ? Condition::completed : pick({Condition::started, Condition::ready})});
    }
  }
  return out;
}

RC_GTEST_PROP(PrintAndRead, GiveTheSameStackAgain, ()) {
  Stack before = stack();
  RC_ASSERT(validate(before).empty());
  ReadOptions options;
  options.variables = {{"X", "wrong"}};
  std::string printed = print_stack(before);
  auto read = read_stack(printed, options);
  if (!read)
    for (const Problem& problem : read.error().problems) RC_LOG() << show_problem(problem, printed) << "\n";
  RC_ASSERT(read.has_value());
  RC_ASSERT(read->warnings.empty());
  RC_ASSERT(read->stack == before);
  RC_ASSERT(print_stack(read->stack) == printed);
}

}  // namespace
}  // namespace drover
