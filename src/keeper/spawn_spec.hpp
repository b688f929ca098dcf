#pragma once
// The parameters of a spawn, as they lie in its sealed memfd: a Packet, then the words of the command and of
// the environment.

#include "keeper/protocol_io.hpp"

namespace drover::keeper {

/// A listening socket that the child gets, from descriptor 3 on, in this order.
struct PassedSocket {
  std::string name;     // of the keeper: it is held under this name until `release`, for whoever asks next
  std::string fd_name;  // LISTEN_FDNAMES
  bool sent = false;    // it came with this spawn; used if none is held under the name yet
};
enum class PassStyle : std::uint8_t { listen_fds = 0, nginx = 1 };

struct Rlimit {
  std::uint32_t resource = 0;  // RLIMIT_…
  std::uint32_t reserved = 0;
  std::uint64_t soft = 0, hard = 0;
};

enum class OnFull : std::uint16_t {
  drop =
      0,  // the service never waits: 256 KiB are kept in memory, then the oldest lines are lost and counted
  block = 1,  // nothing is lost: the service waits in write(2) while the log cannot be written
};

struct SpawnSpec {
  struct Fixed {
    std::uint32_t argc = 0, envc = 0, groups = 0, rlimits = 0;
    std::uint32_t uid = 0, gid = 0;
    std::uint8_t set_user =
        0;  // 1: groups, gid and uid below are applied (the keeper must be root, or be them)
    std::uint8_t no_new_privs = 0;
    std::uint8_t merge = 0;  // 1: stdout and stderr share a pipe; the log says stdout
    std::uint8_t set_nice = 0;
    std::int32_t nice = 0;
    std::uint32_t umask = 022;
    OnFull on_full = OnFull::drop;
    std::uint16_t reserved = 0;
    std::uint64_t log_budget = 256u << 20;  // bytes in the log directory, oldest segments go first
    std::uint64_t log_segment = 16u << 20;  // bytes per segment, at least 64 KiB
    std::uint64_t memory_max = 0;           // bytes; 0: no limit, here and below
    std::uint64_t cpu_quota_us = 0;         // of each 100 ms
    std::uint32_t pids_max = 0;
    std::uint32_t io_weight = 0;        // 1 … 10,000, as io.weight has it
    std::uint64_t capabilities = 0;     // bit n: capability n is kept
    std::uint8_t set_capabilities = 0;  // 1: exactly these
    std::uint8_t set_oom_score = 0;
    std::uint8_t private_tmp = 0;
    std::uint8_t read_only = 0;  // all but read_write_paths, /dev, /proc and /tmp
    std::int32_t oom_score = 0;
    PassStyle pass = PassStyle::listen_fds;
    std::uint8_t reserved1[3] = {};
    std::uint32_t sockets = 0;
    std::uint64_t reserved2[2] = {};
  } fixed;
  std::vector<std::string> argv;  // argv[0] without a slash is looked up in the PATH of `env`
  std::vector<std::string> env;   // "NAME=value"; the whole environment, besides DROVER_INSTANCE
  std::string cwd = "/";          // absolute; entered as the user
  std::string log_directory;      // absolute, made if missing (0750); empty: output is read and thrown away
  std::vector<std::uint32_t> groups;
  std::vector<Rlimit> rlimits;
  std::vector<std::string> read_only_paths, read_write_paths;  // absolute
  std::vector<PassedSocket> sockets;
};

/// Texts without NUL, each with one behind it.
inline std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const auto& text : texts) all.append(text).push_back('\0');
  return all;
}
inline std::vector<std::string> parted(std::string_view all) {
  std::vector<std::string> texts;
  for (std::size_t at = 0, end = 0; (end = all.find('\0', at)) != all.npos; at = end + 1)
    texts.emplace_back(all.substr(at, end - at));
  return texts;
}

inline std::string encode(const SpawnSpec& spec) {
  auto fixed = spec.fixed;
  fixed.argc = std::uint32_t(spec.argv.size());
  fixed.envc = std::uint32_t(spec.env.size());
  fixed.groups = std::uint32_t(spec.groups.size());
  fixed.rlimits = std::uint32_t(spec.rlimits.size());
  fixed.sockets = std::uint32_t(spec.sockets.size());
  Packet packet(Header{.type = Type::spawn}, fixed);
  packet.text(spec.cwd).text(spec.log_directory);
  packet.text(
      {reinterpret_cast<const char*>(spec.groups.data()), spec.groups.size() * sizeof(std::uint32_t)});
  packet.text({reinterpret_cast<const char*>(spec.rlimits.data()), spec.rlimits.size() * sizeof(Rlimit)});
  std::vector<std::string> sockets;
  for (const auto& socket : spec.sockets)
    sockets.insert(sockets.end(), {socket.name, socket.fd_name, socket.sent ? "sent" : ""});
  packet.text(joined(spec.read_only_paths)).text(joined(spec.read_write_paths)).text(joined(sockets));
  std::string bytes = packet.bytes();
  const auto append = [&](const std::string& value) {  // not counted in Header::strings, which has 16 bits
    const auto size = std::uint32_t(value.size());
    bytes.append(reinterpret_cast<const char*>(&size), sizeof size).append(value);
  };
  for (const auto& value : spec.argv) append(value);
  for (const auto& value : spec.env) append(value);
  return bytes;
}

/// False: malformed.
inline bool decode(std::string_view bytes, SpawnSpec& spec) {
  const Parsed parsed(bytes);
  if (!parsed.ok || parsed.header.strings < 4) return false;
  spec.fixed = parsed.as<SpawnSpec::Fixed>();
  TextReader reader(parsed.tail);
  spec.cwd = reader.next();
  spec.log_directory = reader.next();
  const auto groups = reader.next();
  const auto rlimits = reader.next();
  spec.read_only_paths = parsed.header.strings > 4 ? parted(reader.next()) : std::vector<std::string>();
  spec.read_write_paths = parsed.header.strings > 5 ? parted(reader.next()) : std::vector<std::string>();
  const auto sockets = parsed.header.strings > 6 ? parted(reader.next()) : std::vector<std::string>();
  for (std::uint16_t i = 7; i < parsed.header.strings; ++i) reader.next();
  if (sockets.size() != std::size_t(spec.fixed.sockets) * 3) return false;
  spec.sockets.clear();
  for (std::size_t i = 0; i < sockets.size(); i += 3)
    spec.sockets.push_back({sockets[i], sockets[i + 1], sockets[i + 2] == "sent"});
  if (groups.size() != spec.fixed.groups * sizeof(std::uint32_t)) return false;
  if (rlimits.size() != spec.fixed.rlimits * sizeof(Rlimit)) return false;
  if (spec.fixed.argc > bytes.size() / 4 || spec.fixed.envc > bytes.size() / 4) return false;
  spec.groups.resize(spec.fixed.groups);
  if (!groups.empty()) std::memcpy(spec.groups.data(), groups.data(), groups.size());
  spec.rlimits.resize(spec.fixed.rlimits);
  if (!rlimits.empty()) std::memcpy(static_cast<void*>(spec.rlimits.data()), rlimits.data(), rlimits.size());
  spec.argv.clear();
  spec.env.clear();
  for (std::uint32_t i = 0; i < spec.fixed.argc && reader.ok(); ++i) spec.argv.emplace_back(reader.next());
  for (std::uint32_t i = 0; i < spec.fixed.envc && reader.ok(); ++i) spec.env.emplace_back(reader.next());
  return reader.ok();
}

}  // namespace drover::keeper
