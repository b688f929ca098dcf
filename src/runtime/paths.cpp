#include "runtime/paths.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/text.hpp"

namespace drover::runtime {

namespace fs = std::filesystem;

namespace {
Result<std::string> prepare(const std::string& path, mode_t mode) {
  std::error_code error;
  const auto absolute = fs::absolute(path, error).lexically_normal();
  if (error) return fail(from_errno(error.value(), path));
  std::string text = absolute.string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  const bool fresh = !fs::exists(text, error);
  fs::create_directories(text, error);
  if (error) return fail(from_errno(error.value(), "making " + text));
  if (fresh) ::chmod(text.c_str(), mode);
  return text;
}
}  // namespace

std::string default_run_directory(const std::string& state, std::string_view xdg_runtime_dir) {
  std::error_code ignored;
  auto absolute = fs::absolute(state, ignored).lexically_normal().string();
  while (absolute.size() > 1 && absolute.back() == '/') absolute.pop_back();
  const auto name = blake2b(absolute).substr(0, 12);
  if (::geteuid() == 0 && ::access("/run", W_OK) == 0) return "/run/drover/" + name;
  if (!xdg_runtime_dir.empty() && ::access(std::string(xdg_runtime_dir).c_str(), W_OK) == 0)
    return fmt::format("{}/drover/{}", xdg_runtime_dir, name);
  if (::access("/dev/shm", W_OK) == 0) return fmt::format("/dev/shm/drover-{}/{}", ::geteuid(), name);
  return state + "/run";
}

Result<Paths> prepare_directories(Paths paths) {
  // Others may pass through, not look: a service of another user has its directory below.
  TRY(paths.state, prepare(paths.state, 0711));
  TRY(paths.run, prepare(paths.run, 0711));
  TRYV(prepare(instances_directory(paths), 0711));
  TRYV(prepare(paths.run + "/runs", 0700));
  TRYV(prepare(paths.run + "/probes", 0711));
  return paths;
}

std::string instances_directory(const Paths& paths) { return paths.state + "/instances"; }

std::string short_id(const InstanceId& id) { return to_string(id).substr(28); }

std::string instance_directory(const Paths& paths, std::string_view stack, std::string_view instance_name,
                               const InstanceId& id) {
  return fmt::format("{}/{}/{}-{}", instances_directory(paths), stack, instance_name, short_id(id));
}

std::string log_directory(const Paths& paths, std::string_view stack, std::string_view instance_name,
                          const InstanceId& id) {
  return instance_directory(paths, stack, instance_name, id) + "/logs";
}

}  // namespace drover::runtime
