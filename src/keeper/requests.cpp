// The protocol's requests: checked here, done in life.cpp.

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keeper/keeper.hpp"

namespace drover::keeper {

namespace {

bool token_allowed(std::string_view token) {
  return token.size() <= max_token &&
         std::all_of(token.begin(), token.end(), [](unsigned char c) { return c > ' ' && c < 0x7f; });
}

/// The parameters of a spawn. 0 or errno.
int read_spec(int fd, SpawnSpec& spec) {
  constexpr int seals =
      F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;  // so that nobody changes it while we read
  if ((::fcntl(fd, F_GET_SEALS) & seals) != seals) return EPERM;
  struct stat info{};
  if (::fstat(fd, &info) != 0) return errno;
  if (info.st_size <= 0 || std::size_t(info.st_size) > max_params) return EFBIG;
  std::string bytes(std::size_t(info.st_size), '\0');
  if (::pread(fd, bytes.data(), bytes.size(), 0) != ssize_t(bytes.size())) return EIO;
  if (!decode(bytes, spec)) return EINVAL;
  if (spec.argv.empty() || spec.argv.front().empty() || !spec.cwd.starts_with('/')) return EINVAL;
  if (!spec.log_directory.empty() && !spec.log_directory.starts_with('/')) return EINVAL;
  if (spec.log_directory.size() >= sizeof(RecordData::log_directory)) return ENAMETOOLONG;
  const auto has_nul = [](const std::string& text) { return text.find('\0') != std::string::npos; };
  if (std::any_of(spec.argv.begin(), spec.argv.end(), has_nul)) return EINVAL;
  if (std::any_of(spec.env.begin(), spec.env.end(), has_nul) || has_nul(spec.cwd)) return EINVAL;
  return 0;
}

bool signal_allowed(int signal) { return signal > 0 && signal <= 64; }

}  // namespace

void Keeper::done(const Request& request, Status status, int error, Stage stage) {
  clients_->send(request.client, Packet(Header{.type = Type::done,
                                               .status = status,
                                               .request = request.packet.header.request,
                                               .stage = stage,
                                               .error = error}));
}

void Keeper::handle(Request& request) {
  auto* client = clients_->find(request.client);
  if (request.packet.header.type == Type::hello) return greet(request);
  if (client == nullptr || !client->greeted) return done(request, Status::version);
  switch (request.packet.header.type) {
    case Type::spawn: return on_spawn(request);
    case Type::stop:
    case Type::signal:
    case Type::kill:
    case Type::adjust:
    case Type::forget: return on_target(request);
    case Type::list: return on_list(request);
    case Type::subscribe:
      client->mask = request.packet.as<Subscribe>().mask;
      pump_.want_written(clients_->anyone_wants(event_log));
      return done(request, Status::ok);
    case Type::reexec: return on_reexec(request);
    case Type::shutdown: return on_shutdown(request);
    case Type::status: return on_status(request);
    case Type::sockets: return on_sockets(request);
    case Type::release: return on_release(request);
    case Type::hello:
    case Type::welcome:
    case Type::done:
    case Type::spawned:
    case Type::instance:
    case Type::event:
    case Type::status_reply: break;
  }
  done(request, Status::unsupported);  // also what a newer client knows and we do not
}

void Keeper::greet(Request& request) {
  const auto hello = request.packet.as<Hello>();
  if (hello.min_version > version || hello.max_version < version) return done(request, Status::version);
  clients_->find(request.client)->greeted = true;
  const Welcome welcome{version, 0, ::getpid(), handoff_.guard_pid, handoff_.generation};
  clients_->send(request.client,
                 Packet(Header{.type = Type::welcome, .request = request.packet.header.request}, welcome));
}

Instance* Keeper::find(const std::string& key, std::uint64_t incarnation) {
  const auto found = by_key_.find({key, incarnation});
  return found == by_key_.end() ? nullptr : found->second;
}

void Keeper::on_spawn(Request& request) {
  const auto spawn = request.packet.as<Spawn>();
  const auto texts = request.packet.texts();
  const Header answer{.type = Type::spawned, .request = request.packet.header.request};
  if (texts.size() < 2 || record_name(texts[0], spawn.incarnation).empty() || !token_allowed(texts[1]))
    return done(request, Status::invalid, EINVAL, Stage::params);
  const auto& key = texts[0];
  if (auto* known = find(key, spawn.incarnation))
    return clients_->send(request.client, describe(*known, answer, {}));
  if (spawn.flags != 0 || spawn.lease_boot_ns != 0 || spawn.tty != 0 || spawn.foreign_cgroup != 0)
    return done(request, Status::unsupported);
  if (shutdown_.active || ending_) return done(request, Status::unavailable);
  for (auto at = by_key_.lower_bound({key, 0}); at != by_key_.end() && at->first.first == key; ++at)
    if (at->second->live() || at->first.second > spawn.incarnation) return done(request, Status::conflict);
  Parameters parameters;
  const int error = request.fds.empty() ? EBADF : read_spec(request.fds.front().get(), parameters.spec);
  if (error != 0) return done(request, Status::spawn_failed, error, Stage::params);
  if (request.fds.size() != spawn.passed_fds + std::size_t(1))
    return done(request, Status::spawn_failed, EBADF, Stage::socket);
  for (std::size_t i = 1; i < request.fds.size(); ++i)
    parameters.sockets.push_back(std::move(request.fds[i]));
  if (texts.size() > 2) parameters.correlation = texts[2];
  const auto made = spawn_instance(key, texts[1], spawn, std::move(parameters));
  if (!made) return done(request, Status::spawn_failed, made.error().error, made.error().stage);
  clients_->send(request.client, describe(**made, answer, {}));
}

void Keeper::on_target(Request& request) {
  const auto texts = request.packet.texts();
  const auto type = request.packet.header.type;
  auto* instance = texts.empty() ? nullptr : find(texts[0], request.packet.as<Target>().incarnation);
  if (texts.empty()) return done(request, Status::invalid, EINVAL);
  const bool gone = instance == nullptr || !instance->live();
  if (type == Type::forget) {
    if (instance == nullptr) return done(request, Status::ok);
    if (!gone) return done(request, Status::conflict);
    forget(*instance);
  } else if (type == Type::stop) {
    if (!gone && texts.size() > 1) instance->correlation = texts[1];
    return on_stop(request, gone ? nullptr : instance);
  } else if (type == Type::adjust) {
    if (!gone) adjust(*instance, request.packet.as<Adjust>());
  } else if (type == Type::kill) {
    if (!gone) kill(*instance);
  } else {
    const auto signal = request.packet.as<Signal>();
    if (!signal_allowed(signal.signal)) return done(request, Status::invalid, EINVAL);
    if (gone) return done(request, Status::not_found, ESRCH);
    if (signal.mode == Mode::all) instance->tree.signal_all(signal.signal);
    else if (!instance->pidfd) return done(request, Status::not_found, ESRCH);
    else if (const int error = pidfd_signal(instance->pidfd.get(), signal.signal); error != 0)
      return done(request, Status::not_found, error);
  }
  done(request, Status::ok);
}

void Keeper::on_stop(Request& request, Instance* instance) {
  const auto asked = request.packet.as<Stop>();
  bool valid = signal_allowed(asked.signal) && asked.steps <= max_steps;
  for (std::uint32_t i = 0; valid && i < asked.steps; ++i) valid = signal_allowed(asked.step[i].signal);
  SpawnSpec hook;
  if (asked.hook != 0)
    valid = valid && !request.fds.empty() && read_spec(request.fds.front().get(), hook) == 0;
  if (!valid) return done(request, Status::invalid, EINVAL);
  if (instance != nullptr) stop(*instance, asked, asked.hook != 0 ? &hook : nullptr);
  done(request, Status::ok);
}

Packet Keeper::describe(Instance& instance, Header header, EventKind kind) {
  auto& data = instance.data();
  InstanceInfo info = instance.info();
  info.event = kind;
  info.log_segment = data.segment;
  info.log_offset = data.offset;
  info.log_lines = data.lines;
  info.log_bytes = data.bytes;
  info.lost_lines = data.lost_lines;
  info.lost_bytes = data.lost_bytes;
  info.log_failing = data.failing != 0 ? 1 : 0;
  info.log_error = data.log_error;
  info.log_closed = data.closed != 0 ? 1 : 0;
  return Packet(header, info).text(data.key).text(data.token).text(data.cgroup).text(data.log_directory);
}

void Keeper::on_list(Request& request) {
  for (const auto& [key, instance] : by_key_)
    clients_->send(
        request.client,
        describe(*instance, Header{.type = Type::instance, .request = request.packet.header.request}, {}));
  done(request, Status::ok);
}

void Keeper::on_reexec(Request& request) {
  const auto texts = request.packet.texts();
  if (texts.empty() || !texts[0].starts_with('/')) return done(request, Status::invalid, EINVAL);
  bool failing = false;  // lines that wait in memory would not come along
  for (const auto& [number, instance] : instances_) failing = failing || instance->data().failing != 0;
  if (shutdown_.active || failing) return done(request, Status::unavailable, EBUSY);
  if (!check_binary(texts[0])) return done(request, Status::unsupported, ENOEXEC);
  done(request, Status::ok);
  reexec(texts[0]);
}

void Keeper::on_shutdown(Request& request) {
  const auto asked = request.packet.as<Shutdown>();
  shutdown_.active = true;
  shutdown_.exit = shutdown_.exit || asked.exit != 0;
  shutdown_.grace_ms = asked.grace_ms;
  shutdown_.order.clear();
  for (auto& key : request.packet.texts()) shutdown_.order.push_back(std::move(key));
  done(request, Status::ok);
  advance_shutdown();
  if (!shutdown_.exit && shutdown_.order.empty()) shutdown_.active = false;
}

void Keeper::on_status(Request& request) {
  auto status = status_;
  status.keeper_pid = ::getpid();
  status.guard_pid = handoff_.guard_pid;
  status.generation = handoff_.generation;
  status.instances = std::uint32_t(instances_.size());
  for (const auto& [number, instance] : instances_) status.live += instance->live() ? 1 : 0;
  status.selftest_ok = self_test_.into_cgroup_works ? 1 : 0;
  status.selftest_errno = self_test_.error;
  status.pidfd_exit_info = exit_info_ ? 1 : 0;
  status.clients = std::uint32_t(clients_->count());
  Packet reply(Header{.type = Type::status_reply, .request = request.packet.header.request}, status);
  reply.text(name(base_.level)).text(name(self_test_.way)).text(base_.path).text(DROVER_VERSION);
  reply.text(controllers_of(base_));
  clients_->send(request.client, reply);
}

}  // namespace drover::keeper
