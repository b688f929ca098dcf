#include "runtime/log_care.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <vector>

#include "runtime/files.hpp"
#include "runtime/log_segment.hpp"

namespace drover::runtime {

namespace {

struct Segment {
  std::uint64_t bytes = 0;  // of all its files
  bool plain = false, compressed = false;
  std::int64_t changed = 0;  // seconds, of the plain file
};
struct Directory {
  std::string path;
  std::map<std::uint64_t, Segment> segments;
  std::uint64_t bytes = 0;
};

std::uint64_t number_of(std::string_view name) {
  const auto digits = name.substr(0, name.find('.'));
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return error == std::errc() && end == digits.data() + digits.size() ? number : 0;
}

Directory look_at(std::string path) {
  Directory directory{std::move(path), {}, 0};
  for (const auto& name : list_directory(directory.path)) {
    const auto number = number_of(name);
    struct stat info{};
    const auto full = directory.path + "/" + name;
    if (number == 0 || ::stat(full.c_str(), &info) != 0) continue;
    if (name.ends_with(".tmp")) {  // of a compression that was killed
      ::unlink(full.c_str());
      continue;
    }
    auto& segment = directory.segments[number];
    segment.bytes += std::uint64_t(info.st_size);
    directory.bytes += std::uint64_t(info.st_size);
    if (name.ends_with(".zst")) segment.compressed = true;
    if (name.ends_with(".log")) segment.plain = true, segment.changed = info.st_mtime;
  }
  return directory;
}

std::vector<Directory> look_at_all(const std::string& root, const std::vector<std::string>& also) {
  std::vector<Directory> all;
  for (const auto& path : also)
    if (auto directory = look_at(path); !directory.segments.empty()) all.push_back(std::move(directory));
  for (const auto& stack : list_directory(root))
    for (const auto& instance : list_directory(root + "/" + stack)) {
      auto directory = look_at(root + "/" + stack + "/" + instance + "/logs");
      if (!directory.segments.empty()) all.push_back(std::move(directory));
    }
  return all;
}

void remember(LogCareDone& done, const std::string& problem) {
  if (done.problem.empty()) done.problem = problem;
}

void compress_closed(Directory& directory, std::int64_t before, LogCareDone& done,
                     const std::atomic<bool>& stop) {
  for (auto& [number, segment] : directory.segments) {
    if (stop || number == directory.segments.rbegin()->first) return;
    if (!segment.plain || segment.changed > before) continue;
    // Both are there after a kill between rename and removal: the compressed one is whole.
    if (segment.compressed && ::unlink(segment_path(directory.path, number, "log").c_str()) == 0) continue;
    const auto made = compress_segment(directory.path, number);
    if (!made) return remember(done, made.error().message);
    if (*made) ++done.compressed;
  }
}

/// False: it has no closed file.
bool remove_oldest(Directory& directory, LogCareDone& done) {
  if (directory.segments.size() < 2) return false;
  const auto [number, segment] = *directory.segments.begin();
  for (const auto* ending : {"log", "log.zst", "idx"})
    if (::unlink(segment_path(directory.path, number, ending).c_str()) != 0 && errno != ENOENT) {
      remember(done, from_errno(errno, "removing an old log in " + directory.path).message);
      return false;
    }
  ++done.removed;
  done.removed_bytes += segment.bytes;
  directory.bytes -= segment.bytes;
  directory.segments.erase(number);
  return true;
}

void keep_within(std::vector<Directory>& all, std::uint64_t budget, LogCareDone& done) {
  const auto size = [](const Directory& directory) { return directory.bytes; };
  done.bytes = 0;
  for (const auto& directory : all) done.bytes += directory.bytes;
  while (done.bytes > budget && !all.empty()) {
    const auto largest = std::ranges::max_element(all, {}, size);
    const auto before = largest->bytes;
    if (!remove_oldest(*largest, done)) all.erase(largest);
    else done.bytes -= before - largest->bytes;
  }
}

}  // namespace

std::uint64_t default_log_budget(const std::string& directory) {
  constexpr std::uint64_t most = 2ull << 30;
  struct statvfs info{};
  if (::statvfs(directory.c_str(), &info) != 0) return most;
  return std::min<std::uint64_t>(most, std::uint64_t(info.f_blocks) * info.f_frsize / 10);
}

LogCareDone care_for_logs(const std::string& root, const LogCare& care, WallTime now,
                          const std::atomic<bool>& stop) {
  LogCareDone done;
  const auto before = std::chrono::floor<std::chrono::seconds>(now - care.quiet).time_since_epoch().count();
  for (auto& directory : look_at_all(root, care.also))
    if (!care.plain.contains(directory.path) && !stop) compress_closed(directory, before, done, stop);
  auto all = look_at_all(root, care.also);
  keep_within(all, care.budget != 0 ? care.budget : default_log_budget(root), done);
  return done;
}

void make_thread_idle() {
  // Each is a wish: a container may refuse, and the work is done all the same.
  constexpr int io_class_idle = 3 << 13, who_process = 1;
  const sched_param none{};
  [[maybe_unused]] const auto cpu = ::sched_setscheduler(0, SCHED_IDLE, &none);
  [[maybe_unused]] const auto disk = ::syscall(SYS_ioprio_set, who_process, 0, io_class_idle);
}

}  // namespace drover::runtime
