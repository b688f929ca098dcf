// Listening sockets that outlive those who accept from them: the keeper holds each under a name that the
// agent chose, and gives it to whoever is spawned with that name. While nobody accepts, clients wait in its
// backlog. Held until they are released: over crashes and restarts of the service, over the keeper's exec,
// over its death (the guard has a duplicate of each), and over the death of both as long as somebody lives
// who was given it.

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "keeper/keeper.hpp"

namespace drover::keeper {

namespace {

constexpr std::size_t most_sockets = 400;  // their names fit one packet

std::uint64_t inode_of(int fd) {
  struct stat info{};
  return ::fstat(fd, &info) == 0 ? info.st_ino : 0;
}

bool listens(int fd) {
  int yes = 0;
  socklen_t size = sizeof yes;
  return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &size) == 0 && yes != 0;
}

/// The socket as one of its holders has it.
Fd fetch(const Member& member, int pidfd, std::uint64_t inode) {
  const std::string wanted = "socket:[" + std::to_string(inode) + "]";
  const std::string directory = "/proc/" + std::to_string(member.pid) + "/fd/";
  for (const auto& name : list_directory(directory)) {
    char target[64];
    const auto n = ::readlink((directory + name).c_str(), target, sizeof target);
    if (n < 0 || std::string_view(target, std::size_t(n)) != wanted) continue;
    Fd fd(int(::syscall(SYS_pidfd_getfd, pidfd, std::atoi(name.c_str()), 0)));
    if (fd && inode_of(fd.get()) == inode) return fd;
  }
  return {};
}

}  // namespace

/// The descriptors for a spawn, in its order; notes them in its record.
Outcome<std::vector<int>> Keeper::take_sockets(RecordData& data, Parameters& parameters) {
  std::vector<int> all;
  const auto& wanted = parameters.spec.sockets;
  if (wanted.size() > max_passed) return failure(E2BIG, Stage::socket);
  std::size_t sent = 0;
  for (const auto& each : wanted) {
    Fd fresh;
    if (each.sent && sent < parameters.sockets.size()) fresh = std::move(parameters.sockets[sent++]);
    auto held = sockets_.find(each.name);
    if (held == sockets_.end()) {
      if (each.name.size() >= max_socket_name || sockets_.size() >= most_sockets)
        return failure(ENFILE, Stage::socket);
      if (!fresh) return failure(EADDRINUSE, Stage::socket);
      if (!listens(fresh.get())) return failure(ENOTSOCK, Stage::socket);
      hold("s:" + each.name, fresh.get());
      held = sockets_.emplace(each.name, std::move(fresh)).first;
    }
    auto& noted = data.passed[all.size()];
    noted.inode = inode_of(held->second.get());
    each.name.copy(noted.name, max_socket_name - 1);
    all.push_back(held->second.get());
  }
  return all;
}

/// From the one before us, else from a process that has it.
void Keeper::adopt_sockets(Instance& instance) {
  for (const auto& noted : instance.data().passed) {
    if (noted.inode == 0 || sockets_.contains(noted.name)) continue;
    for (const auto& member : instance.tree.members()) {
      const Fd pidfd(pidfd_open(member.pid));
      Fd socket = pidfd ? fetch(member, pidfd.get(), noted.inode) : Fd();
      if (!socket) continue;
      hold(std::string("s:") + noted.name, socket.get());
      sockets_[noted.name] = std::move(socket);
      break;
    }
  }
}

void Keeper::on_sockets(Request& request) {
  Packet reply(Header{.type = Type::done, .request = request.packet.header.request});
  for (const auto& [name, socket] : sockets_) reply.text(name);
  clients_->send(request.client, reply);
}

void Keeper::on_release(Request& request) {
  for (const auto& name : request.packet.texts())
    if (sockets_.erase(name) > 0) drop("s:" + name);
  done(request, Status::ok);
}

}  // namespace drover::keeper
