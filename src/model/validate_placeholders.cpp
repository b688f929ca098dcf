// {{…}} of one service: only keys that the host can fill in.
#include <fmt/format.h>

#include "base/text.hpp"
#include "model/placeholder.hpp"
#include "model/validate.hpp"

namespace drover::detail {

namespace {
class Checker {
 public:
  Checker(const Service& service, Problems& problems) : problems_(problems) {
    for (std::string_view key :
         {"instance.name", "instance.index", "instance.id", "node.name", "node.address"})
      known_.emplace_back(key);
    for (const Port& port : service.ports) known_.push_back("port." + port.name);
  }

  void text(std::string_view value, const std::string& at) {
    auto found = placeholders(value);
    if (!found) return problems_.add(at, found.error().message, found.error().hint);
    for (const Placeholder& one : *found) key(one.key, at);
  }
  void command(const std::vector<std::string>& words, const std::string& at) {
    for (std::size_t i = 0; i < words.size(); ++i) text(words[i], fmt::format("{}[{}]", at, i));
  }
  void check(const std::optional<Probe>& probe, const std::string& at) {
    if (!probe) return;
    std::visit([&](const auto& one) { filled(one, at); }, probe->check);
  }

 private:
  void filled(const HttpCheck& http, const std::string& at) {
    text(http.url, at + ".http");
    text(http.socket, at + ".socket");
    for (const auto& [name, value] : http.headers) text(value, at + ".headers." + name);
  }
  void filled(const TcpCheck& tcp, const std::string& at) { text(tcp.address, at + ".tcp"); }
  void filled(const ExecCheck& exec, const std::string& at) { command(exec.command, at + ".exec"); }
  void filled(const LogCheck&, const std::string&) {}
  void filled(const NotifyCheck&, const std::string&) {}
  void filled(const GrpcCheck& grpc, const std::string& at) { text(grpc.address, at + ".grpc"); }
  void filled(const FileCheck& file, const std::string& at) { text(file.path, at + ".file"); }

  void key(const std::string& key, const std::string& at) {
    if (key.starts_with("node.label.") && key.size() > 11) return;
    for (const std::string& known : known_)
      if (known == key) return;
    std::string hint = did_you_mean(key, known_);
    if (key.starts_with("port."))
      return problems_.add(at, fmt::format("{{{{{}}}}}: this service has no port \"{}\"", key, key.substr(5)),
                           hint.empty() ? "declare it in \"ports\"" : hint);
    std::string all = join(known_, ", ") + ", node.label.NAME";
    problems_.add(at, fmt::format("{{{{{}}}}} is not one of: {}", key, all),
                  hint.empty() ? "write {{{{ for a literal {{" : hint);
  }

  Problems& problems_;
  std::vector<std::string> known_;
};
}  // namespace

void check_placeholders(const Service& service, const std::string& at, Problems& problems) {
  Checker checker(service, problems);
  const auto& spec = std::get<ProcessSpec>(service.spec);
  checker.command(spec.command, at + ".command");
  for (const auto& [key, value] : spec.environment) checker.text(value, at + ".environment." + key);
  checker.command(service.stop.before, at + ".stop.before");
  checker.command(service.reload.command, at + ".reload.command");
  checker.check(service.probes.start, at + ".probes.start");
  checker.check(service.probes.ready, at + ".probes.ready");
  checker.check(service.probes.live, at + ".probes.live");
  if (spec.working_dir.find("{{") != std::string::npos)
    problems.add(at + ".working_dir", "placeholders are not filled in here");
}

}  // namespace drover::detail
