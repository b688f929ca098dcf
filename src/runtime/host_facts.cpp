#include "runtime/host_facts.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/text.hpp"
#include "runtime/descriptor.hpp"
#include "runtime/files.hpp"

namespace drover::runtime {

namespace {

std::string os_name() {
  for (const auto& line : split(read_small_file("/etc/os-release"), '\n')) {
    if (!line.starts_with("PRETTY_NAME=")) continue;
    auto value = line.substr(12);
    if (value.size() >= 2 && value.front() == '"') value = value.substr(1, value.size() - 2);
    return value;
  }
  return {};
}

/// The address that packets to the world would have: connecting a UDP socket sends nothing.
std::string own_address() {
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in world{};
  world.sin_family = AF_INET;
  world.sin_port = htons(9);
  ::inet_pton(AF_INET, "192.0.2.1", &world.sin_addr);  // TEST-NET-1
  sockaddr_in own{};
  socklen_t size = sizeof own;
  char text[INET_ADDRSTRLEN] = {};
  if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&world), sizeof world) != 0 ||
      ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&own), &size) != 0 ||
      ::inet_ntop(AF_INET, &own.sin_addr, text, sizeof text) == nullptr)
    return "127.0.0.1";
  return text;
}

}  // namespace

HostFacts host_facts(const std::string& state) {
  HostFacts facts;
  utsname names{};
  if (::uname(&names) == 0) {
    facts.hostname = names.nodename;
    facts.kernel = names.release;
    facts.arch = names.machine;
  }
  facts.os = os_name();
  facts.address = own_address();
  facts.drivers = {"process"};
  facts.resources.quantities["cpu"] = double(::sysconf(_SC_NPROCESSORS_ONLN));
  facts.resources.quantities["memory"] = double(::sysconf(_SC_PHYS_PAGES)) * double(::sysconf(_SC_PAGESIZE));
  struct statvfs disk{};
  if (!state.empty() && ::statvfs(state.c_str(), &disk) == 0)
    facts.resources.quantities["disk"] = double(disk.f_blocks) * double(disk.f_frsize);
  return facts;
}

}  // namespace drover::runtime
