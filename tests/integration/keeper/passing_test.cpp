// Listening sockets that the keeper holds and passes: no client is refused, whoever dies.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

#include <atomic>
#include <thread>

#include "client.hpp"

namespace drover::keeper::testing {

class Passing : public KeeperTest {
 protected:
  /// A fresh socket that listens on a free port.
  int listening() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(fd, 1024), 0);
    EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    return fd;
  }
  SpawnSpec server(bool sent) {
    auto spec = shell_with_log(R"(exec python3 -c '
import os, socket
assert os.environ["LISTEN_FDS"] == "1" and os.environ["LISTEN_PID"] == str(os.getpid())
assert os.environ["LISTEN_FDNAMES"] == "http"
s = socket.socket(fileno=3)
while True:
    c, _ = s.accept()
    c.sendall(str(os.getpid()).encode())
    c.close()
')");
    spec.sockets = {{"shop/web-1#http:1", "http", sent}};
    return spec;
  }
  /// 0: answered; else errno of what failed.
  int ask() const {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port_);
    const timeval limit{10, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    int error = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
    char answer[32];
    if (error == 0 && ::recv(fd, answer, sizeof answer, 0) < 0) error = errno;
    ::close(fd);
    return error;
  }
  void begin(Client& client) {
    const int fd = listening();
    ASSERT_EQ(client.spawn("web", 1, server(true), {fd}).header.status, Status::ok);
    ::close(fd);
    ASSERT_EQ(ask(), 0);
  }
  std::uint16_t port_ = 0;
};

TEST_F(Passing, NoConnectionIsRefusedOverACrash) {
  start();
  Client client(state());
  begin(client);
  std::atomic<bool> stop{false};
  std::atomic<int> asked{0}, refused{0};
  std::thread load([&] {
    while (!stop) {
      refused += ask() == ECONNREFUSED ? 1 : 0;
      ++asked;
    }
  });
  for (std::uint64_t incarnation = 1; incarnation <= 5; ++incarnation) {
    const int before = asked;
    EXPECT_TRUE(eventually([&] { return asked > before + 20; }));
    const auto seen = client.wait_state("web", incarnation, State::running);
    ::kill(seen.info.pid, SIGKILL);
    client.wait_state("web", incarnation, State::emptied);
    EXPECT_EQ(client.forget("web", incarnation), Status::ok);
    EXPECT_EQ(client.spawn("web", incarnation + 1, server(false)).header.status, Status::ok);
  }
  const int before = asked;
  EXPECT_TRUE(eventually([&] { return asked > before + 20; }));
  stop = true;
  load.join();
  EXPECT_EQ(refused, 0) << "of " << asked;
}

TEST_F(Passing, TwoIncarnationsShareIt) {
  start();
  Client client(state());
  begin(client);
  EXPECT_EQ(client.spawn("other-id", 1, server(false)).header.status, Status::ok);
  ::kill(client.find("web", 1)->info.pid, SIGKILL);
  client.wait_state("web", 1, State::emptied);
  EXPECT_EQ(ask(), 0);
}

TEST_F(Passing, HeldOverTheDeathsOfKeeperAndGuard) {
  start();
  std::uint64_t incarnation = 1;
  {
    Client client(state());
    begin(client);
  }
  const auto crash_and_go_on = [&] {
    Client client(state());
    EXPECT_EQ(client.sockets(), std::vector<std::string>{"shop/web-1#http:1"});
    ::kill(client.find("web", incarnation)->info.pid, SIGKILL);
    client.wait_state("web", incarnation, State::emptied);
    std::thread waits([&] { EXPECT_EQ(ask(), 0); });
    EXPECT_EQ(client.spawn("web", ++incarnation, server(false)).header.status, Status::ok);
    waits.join();
  };
  kill_hard(keeper_pid());
  crash_and_go_on();
  kill_hard(guard_pid());
  crash_and_go_on();
  Client client(state());
  EXPECT_EQ(client.reexec(binary()), Status::ok);
  client.at_end();
  ASSERT_TRUE(eventually([&] { return Client(state()).connected(); }));
  crash_and_go_on();
}

TEST_F(Passing, HeldByItsUserAlone) {
  start();
  {
    Client client(state());
    begin(client);
  }
  ::kill(guard_pid(), SIGSTOP);  // so that it starts no other
  const pid_t guard = guard_pid();
  ::kill(keeper_pid(), SIGKILL);
  ::kill(guard, SIGKILL);
  ASSERT_TRUE(eventually([&] { return !alive(guard); }));
  EXPECT_EQ(ask(), 0);
  start();
  Client client(state());
  EXPECT_EQ(client.sockets(), std::vector<std::string>{"shop/web-1#http:1"});
}

TEST_F(Passing, ReleasedItRefuses) {
  start();
  Client client(state());
  begin(client);
  ::kill(client.find("web", 1)->info.pid, SIGKILL);
  client.wait_state("web", 1, State::emptied);
  EXPECT_EQ(client.release("shop/web-1#http:1"), Status::ok);
  EXPECT_TRUE(eventually([&] { return ask() == ECONNREFUSED; }));
  EXPECT_TRUE(client.sockets().empty());
  const auto refused = client.spawn("web", 2, server(false));
  EXPECT_EQ(refused.header.status, Status::spawn_failed);
  EXPECT_EQ(refused.header.stage, Stage::socket);
}

TEST_F(Passing, InTheWordsOfNginx) {
  start();
  Client client(state());
  const int fd = listening();
  auto spec = shell_with_log("echo \"$NGINX|$LISTEN_FDS\"; readlink /proc/self/fd/3");
  spec.sockets = {{"s#a:1", "a", true}};
  spec.fixed.pass = PassStyle::nginx;
  ASSERT_EQ(client.spawn("n", 1, spec, {fd}).header.status, Status::ok);
  ::close(fd);
  client.wait("n", 1, [](const Seen& seen) { return seen.info.log_closed != 0; });
  const auto lines = read_log(log_directory());
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].text, "3;|");
  EXPECT_TRUE(lines[1].text.starts_with("socket:"));
}

}  // namespace drover::keeper::testing
