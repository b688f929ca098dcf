#include "runtime/notify.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstring>

#include "base/json.hpp"
#include "base/text.hpp"
#include "runtime/files.hpp"

namespace drover::runtime {

using agent::Run;
using SteadyTime = std::chrono::steady_clock::time_point;

namespace {
constexpr std::size_t max_message = 4096;  // as systemd takes them

std::string directory(const Paths& paths) { return paths.run + "/notify"; }
std::string socket_path(const Paths& paths, const InstanceId& id) {
  std::string hex;
  for (const char c : to_string(id).substr(14))
    if (c != '-') hex += c;
  return directory(paths) + "/" + hex;  // the random end of the id: a short path, no other one
}
std::string said_path(const Paths& paths, const InstanceId& id) { return socket_path(paths, id) + ".json"; }

bool is_notify(const std::optional<Probe>& probe) {
  return probe && std::holds_alternative<NotifyCheck>(probe->check);
}

Result<Fd> bind_socket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return fail(Errc::invalid, "the run directory's path is too long for a socket: " + path, {},
                "give the agent a shorter run_directory");
  path.copy(address.sun_path, path.size());
  Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fail(from_errno(errno, "a socket for sd_notify"));
  const int yes = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes);
  ::unlink(path.c_str());
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail(from_errno(errno, path));
  ::chmod(path.c_str(), 0666);  // whoever the program runs as; its credentials are checked
  return fd;
}

struct Message {
  std::string text;
  ucred from{};
};

/// nullopt: nothing is there now. Descriptors that come along are closed: that is what BARRIER=1 waits for.
std::optional<Message> receive(int fd) {
  std::array<char, max_message> data{};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(16 * sizeof(int))> control{};
  iovec part{data.data(), data.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  const auto size = ::recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (size < 0) return std::nullopt;
  Message message;
  message.text.assign(data.data(), std::size_t(size));
  for (auto* one = CMSG_FIRSTHDR(&header); one != nullptr; one = CMSG_NXTHDR(&header, one)) {
    if (one->cmsg_level != SOL_SOCKET) continue;
    if (one->cmsg_type == SCM_CREDENTIALS) std::memcpy(&message.from, CMSG_DATA(one), sizeof message.from);
    if (one->cmsg_type != SCM_RIGHTS) continue;
    std::array<int, 16> fds{};
    const auto bytes = std::min(sizeof fds, one->cmsg_len - CMSG_LEN(0));
    std::memcpy(fds.data(), CMSG_DATA(one), bytes);
    for (std::size_t i = 0; i < bytes / sizeof(int); ++i) ::close(fds[i]);
  }
  if ((header.msg_flags & MSG_TRUNC) != 0) message.text.clear();  // half a message says nothing
  return message;
}

template <class T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

struct News {
  bool alive = false;  // WATCHDOG=1
  bool worth = false;  // the probes shall look at it now
  bool keep = false;   // to be written down
  std::int32_t main_pid = 0;
  std::optional<Duration> extend;
  std::string fault;
};

void take_flag(Said& said, std::string_view key, News& news) {
  news.keep = news.worth = true;
  if (key == "READY") {
    said.ready = true;
    said.reloading = said.stopping = false;
    news.alive = true;
  }
  if (key == "RELOADING") said.reloading = true;
  if (key == "STOPPING") said.stopping = true;
}

/// One VARIABLE=value. What we do not know is left alone, as the protocol wants it.
void take_line(Said& said, std::string_view key, std::string_view value, News& news) {
  if (value == "1" && (key == "READY" || key == "RELOADING" || key == "STOPPING"))
    return take_flag(said, key, news);
  if (key == "WATCHDOG" && value == "1") news.alive = true;
  if (key == "WATCHDOG" && value == "trigger") news.fault = "unhealthy: it set off its own watchdog";
  if (key == "EXTEND_TIMEOUT_USEC")
    if (const auto usec = number<std::int64_t>(value); usec && *usec > 0)
      news.extend = std::min<Duration>(Duration(*usec), 24h);
  if (key == "MAINPID") news.main_pid = number<std::int32_t>(value).value_or(0);
  if (key == "STATUS") {
    said.status = valid_utf8(value.substr(0, 300));
    news.keep = news.worth = true;
  }
  if (key == "ERRNO") {
    said.error = number<std::int32_t>(value).value_or(0);
    news.keep = true;
  }
}

News take(Said& said, const std::string& text) {
  News news;
  for (const auto& line : split(text, '\n')) {
    const auto equals = line.find('=');
    if (equals == std::string::npos) continue;
    take_line(said, std::string_view(line).substr(0, equals), std::string_view(line).substr(equals + 1),
              news);
  }
  return news;
}
}  // namespace

bool listens(const Service& service) {
  return is_notify(service.probes.start) || is_notify(service.probes.ready) || is_notify(service.probes.live);
}

std::vector<std::string> notify_environment(const Paths& paths, const InstanceId& id,
                                            const Service& service) {
  std::vector<std::string> out;
  if (!listens(service)) return out;
  out.push_back("NOTIFY_SOCKET=" + socket_path(paths, id));
  if (is_notify(service.probes.live))
    out.push_back(fmt::format("WATCHDOG_USEC={}", service.probes.live->interval.count()));
  return out;
}

struct NotifySockets::Impl : std::enable_shared_from_this<NotifySockets::Impl> {
  Impl(Parts its_parts, Log& its_log)
      : parts(std::move(its_parts)),
        log(its_log),
        tasks(parts.executor, [this](std::string_view, std::string_view what) {
          log.error("reading what a program says failed", {{"error", std::string(what)}});
        }) {}

  struct Open {
    std::shared_ptr<Descriptor> socket;
    Said said;
    SteadyTime heard = std::chrono::steady_clock::now();
  };
  Parts parts;
  Log& log;
  net::TaskGroup tasks;
  std::map<Run, Open> open;

  void save(const Run& run, const Said& said) {
    if (const auto saved = replace_file(said_path(parts.paths, run.instance), to_json_text(said)); !saved)
      log.warn("what a program said cannot be kept", {{"error", saved.error().message}});
  }

  net::Awaitable<void> read(Run run, std::shared_ptr<Descriptor> socket) {
    while (co_await socket->readable()) {
      while (auto message = receive(socket->get())) co_await hear(run, std::move(*message));
      if (!open.contains(run)) co_return;
    }
  }

  net::Awaitable<void> hear(Run run, Message message) {
    const auto belongs = parts.belongs(run);
    bool ours = false, main_is_ours = false;
    Said said;
    if (const auto known = open.find(run); known != open.end()) said = known->second.said;
    News news = take(said, message.text);
    co_await net::run_on(parts.files, [&] {
      ours = belongs && belongs(message.from.pid, message.from.uid);
      main_is_ours = ours && news.main_pid > 0 && belongs(news.main_pid, UINT32_MAX);
    });
    const auto known = open.find(run);
    if (known == open.end()) co_return;
    if (!ours) {
      log.debug("a message to a program's sd_notify socket came from elsewhere",
                {{"instance", to_string(run.instance)}, {"pid", std::to_string(message.from.pid)}});
      co_return;
    }
    if (main_is_ours) {
      said.main_pid = news.main_pid;
      news.keep = true;
    }
    if (news.alive) known->second.heard = std::chrono::steady_clock::now();
    if (news.keep && to_json_text(known->second.said) != to_json_text(said)) save(run, said);
    known->second.said = std::move(said);
    if (news.worth || news.extend || !news.fault.empty())
      parts.on_event(agent::Notified{run, news.extend, std::move(news.fault), known->second.said.reloading});
  }
};

NotifySockets::NotifySockets(Parts parts, Log& log) : impl_(std::make_shared<Impl>(std::move(parts), log)) {}
NotifySockets::~NotifySockets() = default;

Result<void> NotifySockets::open(Run run, bool fresh) {
  const auto& paths = impl_->parts.paths;
  if (impl_->open.contains(run)) return {};
  ::mkdir(directory(paths).c_str(), 0711);
  TRY(auto fd, bind_socket(socket_path(paths, run.instance)));
  Impl::Open open;
  if (!fresh)
    if (auto kept = from_json_text<Said>(read_small_file(said_path(paths, run.instance)), Unknown::ignore);
        kept && kept->incarnation == run.incarnation)
      open.said = std::move(*kept);
  open.said.incarnation = run.incarnation;
  open.socket = std::make_shared<Descriptor>(impl_->parts.executor, fd.release());
  impl_->save(run, open.said);
  auto socket = open.socket;
  impl_->open.insert_or_assign(run, std::move(open));
  impl_->tasks.spawn(impl_->read(run, std::move(socket)), "sd_notify");
  return {};
}

void NotifySockets::reopen(Run run) {
  const auto& paths = impl_->parts.paths;
  auto kept = from_json_text<Said>(read_small_file(said_path(paths, run.instance)), Unknown::ignore);
  if (!kept || kept->incarnation != run.incarnation) return;
  if (const auto opened = open(run, false); !opened)
    impl_->log.warn("a program's sd_notify socket cannot be bound again",
                    {{"instance", to_string(run.instance)}, {"error", opened.error().message}});
}

void NotifySockets::close(Run run) {
  const auto found = impl_->open.find(run);
  if (found == impl_->open.end()) return;
  found->second.socket->close();
  impl_->open.erase(found);
  ::unlink(socket_path(impl_->parts.paths, run.instance).c_str());
  ::unlink(said_path(impl_->parts.paths, run.instance).c_str());
}

net::Awaitable<void> NotifySockets::stop() {
  impl_->tasks.cancel();
  co_await impl_->tasks.join();
}

std::optional<Said> NotifySockets::said(Run run) const {
  const auto found = impl_->open.find(run);
  return found == impl_->open.end() ? std::nullopt : std::optional(found->second.said);
}

std::optional<Duration> NotifySockets::silence(Run run) const {
  const auto found = impl_->open.find(run);
  if (found == impl_->open.end()) return std::nullopt;
  return std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - found->second.heard);
}

}  // namespace drover::runtime
