#include "runtime/files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "base/text.hpp"
#include "runtime/descriptor.hpp"

namespace drover::runtime {

std::string read_small_file(const std::string& path, std::size_t limit, bool end) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return {};
  struct stat info{};
  if (end && ::fstat(file.get(), &info) == 0 && std::size_t(info.st_size) > limit)
    ::lseek(file.get(), info.st_size - off_t(limit), SEEK_SET);
  std::string text;
  char buffer[4096];
  while (text.size() < limit) {
    const auto n = ::read(file.get(), buffer, std::min(sizeof buffer, limit - text.size()));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    text.append(buffer, std::size_t(n));
  }
  return text;
}

Result<void> replace_file(const std::string& path, std::string_view content, unsigned mode) {
  const auto temporary = path + ".new";
  {
    const Fd file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    if (!file) return fail(from_errno(errno, temporary));
    while (!content.empty()) {
      const auto n = ::write(file.get(), content.data(), content.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return fail(from_errno(errno, temporary));
      content.remove_prefix(std::size_t(n));
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return fail(from_errno(errno, path));
  return {};
}

std::vector<std::string> list_directory(const std::string& path) {
  std::vector<std::string> names;
  DIR* directory = ::opendir(path.c_str());
  if (directory == nullptr) return names;
  while (const dirent* entry = ::readdir(directory)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  ::closedir(directory);
  return names;
}

ProcessInfo process_info(std::int32_t pid) {
  ProcessInfo info;
  const auto text = read_small_file(fmt::format("/proc/{}/stat", pid));
  const auto bracket = text.rfind(')');  // the name may hold anything
  if (bracket == std::string::npos || bracket + 2 >= text.size()) return info;
  const auto fields = split(std::string_view(text).substr(bracket + 2), ' ');
  if (fields.size() < 22) return info;
  const auto number = [&](std::size_t field) {  // numbered as in proc(5)
    const auto& word = fields[field - 3];
    std::uint64_t value = 0;
    std::from_chars(word.data(), word.data() + word.size(), value);
    return value;
  };
  info.pid = pid;
  info.state = fields[0].empty() ? '?' : fields[0][0];
  info.parent = std::int32_t(number(4));
  info.cpu_ticks = number(14) + number(15);
  info.start_ticks = number(22);
  info.resident_bytes = number(24) * std::uint64_t(::sysconf(_SC_PAGESIZE));
  return info;
}

std::string process_command(std::int32_t pid) {
  auto text = read_small_file(fmt::format("/proc/{}/cmdline", pid), 4096);
  while (!text.empty() && text.back() == '\0') text.pop_back();
  std::replace_if(text.begin(), text.end(), [](unsigned char c) { return c < 0x20; }, ' ');
  if (text.empty()) {
    const auto name = read_small_file(fmt::format("/proc/{}/comm", pid), 64);
    return name.empty() ? std::string() : fmt::format("[{}]", trim(name));
  }
  if (text.size() > 80) text = text.substr(0, 77) + "...";
  return valid_utf8(text);
}

}  // namespace drover::runtime
