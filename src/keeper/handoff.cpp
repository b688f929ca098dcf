#include "keeper/handoff.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace drover::keeper {

namespace {

struct Head {
  std::uint32_t magic = 0x46464f48;  // "HOFF"
  std::uint32_t format = handoff_format;
  std::uint32_t fds = 0, notes = 0;
  std::int32_t guard_pid = 0, keeper_pid = 0;
  std::uint32_t generation = 0, reserved[9] = {};
};
struct Entry {
  std::int32_t fd = -1;
  char name[196] = {};
};

void keep_over_exec(int fd, bool keep) { ::fcntl(fd, F_SETFD, keep ? 0 : FD_CLOEXEC); }

template <class T>
void append(std::string& bytes, const T& value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class T>
bool take_value(std::string_view& bytes, T& value) {
  if (bytes.size() < sizeof value) return false;
  std::memcpy(static_cast<void*>(&value), bytes.data(), sizeof value);
  bytes.remove_prefix(sizeof value);
  return true;
}

}  // namespace

int Handoff::find(const std::string& name) const {
  const auto found = fds.find(name);
  return found == fds.end() ? -1 : found->second.get();
}

Fd Handoff::take(const std::string& name) {
  const auto found = fds.find(name);
  if (found == fds.end()) return {};
  Fd fd = std::move(found->second);
  fds.erase(found);
  return fd;
}

int prepare(const Handoff& handoff) {
  Head head;
  head.fds = std::uint32_t(handoff.fds.size());
  head.notes = std::uint32_t(handoff.notes.size());
  head.guard_pid = handoff.guard_pid;
  head.keeper_pid = handoff.keeper_pid;
  head.generation = handoff.generation;
  std::string bytes;
  append(bytes, head);
  for (const auto& [name, fd] : handoff.fds) {
    Entry entry;
    entry.fd = fd.get();
    std::snprintf(entry.name, sizeof entry.name, "%s", name.c_str());
    append(bytes, entry);
  }
  for (const auto& note : handoff.notes) append(bytes, note);
  const int memfd = sealed_memfd("drover-handoff", bytes);
  if (memfd < 0) return -1;
  keep_over_exec(memfd, true);
  for (const auto& [name, fd] : handoff.fds) keep_over_exec(fd.get(), true);
  return memfd;
}

void undo(const Handoff& handoff) {
  for (const auto& [name, fd] : handoff.fds) keep_over_exec(fd.get(), false);
}

bool receive(int memfd, Handoff& handoff) {
  const Fd owned(memfd);
  struct stat info{};
  if (::fstat(memfd, &info) != 0 || info.st_size > (64 << 20)) return false;
  std::string bytes(std::size_t(info.st_size), '\0');
  if (::pread(memfd, bytes.data(), bytes.size(), 0) != ssize_t(bytes.size())) return false;
  std::string_view rest = bytes;
  Head head;
  if (!take_value(rest, head) || head.magic != Head{}.magic || head.format != handoff_format) return false;
  handoff.guard_pid = head.guard_pid;
  handoff.keeper_pid = head.keeper_pid;
  handoff.generation = head.generation;
  for (std::uint32_t i = 0; i < head.fds; ++i) {
    Entry entry;
    if (!take_value(rest, entry)) return false;
    entry.name[sizeof entry.name - 1] = 0;
    keep_over_exec(entry.fd, false);
    handoff.fds[entry.name] = Fd(entry.fd);
  }
  for (std::uint32_t i = 0; i < head.notes; ++i) {
    ExitNote note;
    if (!take_value(rest, note)) return false;
    handoff.notes.push_back(note);
  }
  return true;
}

bool send_link(int link, LinkVerb verb, std::string_view name, int fd) {
  LinkMessage message;
  message.verb = verb;
  name.copy(message.name, sizeof message.name - 1);
  const std::string_view bytes(reinterpret_cast<const char*>(&message), sizeof message);
  return send_packet(link, bytes, fd >= 0 ? std::span<const int>(&fd, 1) : std::span<const int>());
}

int exec_role(const std::string& binary, const char* role, const Options& options, const Handoff& handoff) {
  const int memfd = prepare(handoff);
  if (memfd < 0) return errno;
  const std::string number = std::to_string(memfd);
  const std::string files = std::to_string(options.open_files);
  std::vector<const char*> arguments = {"drover-keeper", "--role", role};
  const auto add = [&](const char* flag, const std::string& value) {
    arguments.push_back(flag);
    arguments.push_back(value.c_str());
  };
  add("--handoff", number);
  add("--state", options.state);
  add("--run-dir", options.run_dir);
  add("--cgroup", options.cgroup);
  add("--level", options.level);
  add("--spawn", options.way);
  add("--open-files", files);
  arguments.push_back(nullptr);
  ::execv(binary.c_str(), const_cast<char* const*>(arguments.data()));
  const int error = errno;
  undo(handoff);
  ::close(memfd);
  return error;
}

}  // namespace drover::keeper
