#include "runtime/keeper_scope.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>

#include "base/text.hpp"
#include "runtime/files.hpp"

namespace drover::runtime {

namespace {

/// Our place in systemd's hierarchy: cgroup2's, or its own one beside v1.
std::string systemd_path(const std::string& cgroups) {
  std::string unified, named;
  for (const auto& line : split(cgroups, '\n')) {
    const auto second = line.find(':', line.find(':') + 1);
    if (second == std::string::npos) continue;
    if (line.starts_with("0::")) unified = line.substr(second + 1);
    if (line.find(":name=systemd:") != std::string::npos) named = line.substr(second + 1);
  }
  return named.empty() ? unified : named;
}

bool in_user_manager(const std::string& path) {
  return path.find(fmt::format("/user@{}.service/", ::getuid())) != std::string::npos;
}

std::string find_systemd_run() {
  for (const char* place : {"/usr/bin/systemd-run", "/bin/systemd-run"})
    if (::access(place, X_OK) == 0) return place;
  return {};
}

/// Fresh for each keeper of this process: the scope of one that was killed stays while its services live.
std::string scope_name(const Paths& paths) {
  static unsigned count = 0;
  const auto id = std::filesystem::path(paths.run).filename().string();
  return fmt::format("drover-{}-{}-{}.scope", id, ::getpid(), ++count);
}

}  // namespace

bool systemd_runs() { return ::access("/run/systemd/system", F_OK) == 0; }

std::optional<OwnUnit> service_unit_in(const std::string& cgroups) {
  const auto path = systemd_path(cgroups);
  const auto name = path.substr(path.rfind('/') + 1);
  if (!name.ends_with(".service") || name.starts_with("user@")) return std::nullopt;
  return OwnUnit{name, in_user_manager(path)};
}

std::optional<OwnUnit> own_service_unit() {
  if (!systemd_runs()) return std::nullopt;
  return service_unit_in(read_small_file("/proc/self/cgroup"));
}

std::vector<std::string> scope_prefix(const Paths& paths) {
  const auto program = find_systemd_run();
  if (!systemd_runs() || program.empty()) return {};
  const bool root = ::geteuid() == 0;
  // Who is in a session only, outside of the user's systemd, would be ended with the user's last session.
  if (!root && !in_user_manager(systemd_path(read_small_file("/proc/self/cgroup")))) return {};
  std::vector<std::string> words{program, "--scope", "--quiet", "--collect", "--unit=" + scope_name(paths)};
  if (!root) words.push_back("--user");
  words.insert(words.end(), {"-p", "Delegate=yes", "-p", "TimeoutStopSec=20s"});
  // At shutdown the daemon's unit stops the services in order before the scope ends what is left.
  if (const auto unit = own_service_unit()) words.insert(words.end(), {"-p", "Before=" + unit->name});
  words.push_back("--");
  return words;
}

}  // namespace drover::runtime
