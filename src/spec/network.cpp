// Ports and probes.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.hpp"
#include "spec/parts.hpp"

namespace drover::spec {

namespace {
constexpr std::string_view one_number =
    "a process listens by itself: it has one port number, nothing is mapped";

std::optional<std::uint16_t> port_number(std::string_view text) {
  std::uint32_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number == 0 || number > 65535)
    return std::nullopt;
  return std::uint16_t(number);
}

/// "8080", "8080/udp"; everything else of Compose's short form is explained.
bool short_port(Context& context, const Value& value, std::string_view text, Port& to) {
  std::size_t slash = text.find('/');
  std::string_view number = text.substr(0, slash);
  if (slash != std::string_view::npos) to.protocol = text.substr(slash + 1);
  if (auto port = port_number(number)) {
    to.published = *port;
    return true;
  }
  if (std::size_t colon = number.rfind(':'); colon != std::string_view::npos) {
    std::string_view host = number.substr(0, colon);
    host = host.substr(host.rfind(':') + 1);
    context.problem(value.at, fmt::format("{}: {}", shown(value), one_number),
                    port_number(host) ? fmt::format("write \"{}\"", host) : "");
  } else if (number.find('-') != std::string_view::npos) {
    context.problem(value.at, fmt::format("{} is a range of ports", shown(value)),
                    "write {name: http, published: 8080, plus: instance.index} for one each");
  } else if (number == "auto") {
    context.problem(value.at, "an automatic port needs a name", "write {name: http, published: auto}");
  } else {
    context.problem(value.at, fmt::format("{} is not a port from 1 to 65535", shown(value)));
  }
  return false;
}

void read_published(Context& context, const Value& value, Port& to) {
  if (value.scalar() && value.text == "auto") {
    to.published = 0;
    return;
  }
  auto number = value.scalar() ? port_number(value.text) : std::nullopt;
  if (number) to.published = *number;
  else
    context.problem(value.at, fmt::format("{} is not a port from 1 to 65535, or auto", shown(value)),
                    value.text.find(':') != std::string::npos ? std::string(one_number) : "");
}

constexpr std::string_view protocols[] = {"tcp", "udp"};
const Field<Port> port_fields[] = {
    {"name",
     [](Context& context, const Value& value, Port& to) {
       if (auto name = read_string(context, value)) to.name = *name;
     },
     &text_schema, "What {{port.NAME}} calls it"},
    {"published", &read_published,
     [] { return either({number_schema(1, 65535), json::value{{"type", "string"}}}); },
     "The number, or auto: a free port of the host's range"},
    {"plus",
     [](Context& context, const Value& value, Port& to) {
       if (value.text == "gpu.index")
         return context.problem(value.at, "this version of Drover does not support GPUs");
       if (auto plus = read_string(context, value)) to.plus = *plus;
     },
     [] { return json::value{{"enum", {"instance.index"}}}; },
     "Added to the number, so that several instances fit on one node"},
    {"protocol",
     [](Context& context, const Value& value, Port& to) {
       if (auto word = read_word(context, value, protocols)) to.protocol = *word;
     },
     [] { return json::value{{"enum", {"tcp", "udp"}}}; }, ""},
    {"pass",
     [](Context& context, const Value& value, Port& to) {
       const auto words = drover::detail::enum_names<PortPass>();
       if (auto word = read_word(context, value, words))
         to.pass = enum_value<PortPass>(*word).value_or(PortPass::no);
     },
     [] { return json::value{{"enum", {"no", "listen_fds", "nginx"}}}; },
     "The socket is held for it over restarts, and passed: LISTEN_FDS, or nginx's NGINX"},
};
const Later port_later[] = {{"target", "target", one_number},
                            {"host_ip", "host_ip"},
                            {"app_protocol", "app_protocol"},
                            {"mode", "mode"}};

std::string default_name(const Port& port) {
  return port.protocol == "tcp" ? fmt::format("{}", port.published)
                                : fmt::format("{}-{}", port.published, port.protocol);
}

std::optional<Port> read_port(Context& context, const Value& value) {
  Port port;
  if (value.kind == Value::Kind::map) {
    read_fields<Port>(context, value, port, port_fields, port_later);
    if (!value.find("published")) context.problem(value.at, "\"published\" is missing", "a number, or auto");
    else if (port.name.empty() && port.published == 0 && !value.find("name"))
      context.problem(value.at, "an automatic port needs a name", "write {name: http, published: auto}");
  } else if (!value.scalar()) {
    context.problem(value.at, fmt::format("must be a port, found {}", shown(value)),
                    "write 8080 or {name: http, published: auto}");
    return std::nullopt;
  } else if (!short_port(context, value, value.text, port)) {
    return std::nullopt;
  }
  if (port.name.empty()) port.name = default_name(port);
  return port;
}
}  // namespace

void read_ports(Context& context, const Value& value, Draft& draft) {
  if (!want_list(context, value, "[8080] or [{name: http, published: auto}]")) return;
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    Context::Step step(context, i, value.items[i].at);
    // A port that cannot be read keeps its place, so that the paths of the others stay true.
    draft.service.ports.push_back(read_port(context, value.items[i]).value_or(Port{}));
  }
}

json::value ports_schema() {
  return json::object{
      {"type", "array"},
      {"items", either({number_schema(1, 65535), text_schema(), fields_schema<Port>(port_fields)})}};
}

namespace {
struct ProbeDraft {
  Probe probe;
  std::vector<std::uint16_t> status;
  std::vector<std::string> kinds;
};

std::string local_address(std::string text) {
  bool number = !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  bool placeholder = text.starts_with("{{") && text.find("}}") == text.size() - 2;
  return number || placeholder ? "127.0.0.1:" + text : text;
}

void read_status(Context& context, const Value& value, ProbeDraft& to) {
  auto one = [&](const Value& from) {
    if (auto status = read_integer(context, from, 100, 599)) to.status.push_back(std::uint16_t(*status));
  };
  if (value.kind != Value::Kind::list) return one(value);
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    Context::Step step(context, i, value.items[i].at);
    one(value.items[i]);
  }
}

void count_field(Context& context, const Value& value, std::uint32_t& to) {
  if (auto count = read_integer(context, value, 1, 1'000'000)) to = std::uint32_t(*count);
}

const Field<ProbeDraft> probe_fields[] = {
    {"http",
     [](Context& context, const Value& value, ProbeDraft& to) {
       to.kinds.push_back("http");
       if (auto url = read_string(context, value)) to.probe.check = HttpCheck{*url, {}};
     },
     &text_schema, "A URL that answers with a status from 200 to 399"},
    {"tcp",
     [](Context& context, const Value& value, ProbeDraft& to) {
       to.kinds.push_back("tcp");
       if (auto address = read_string(context, value)) to.probe.check = TcpCheck{local_address(*address)};
     },
     [] { return either({number_schema(1, 65535), text_schema()}); }, "An address that accepts connections"},
    {"exec",
     [](Context& context, const Value& value, ProbeDraft& to) {
       to.kinds.push_back("exec");
       if (auto words = read_words(context, value)) to.probe.check = ExecCheck{*words};
     },
     [] { return either({text_schema(), strings_schema()}); }, "A command that ends with status 0"},
    {"interval",
     [](Context& context, const Value& value, ProbeDraft& to) {
       if (auto interval = read_duration(context, value)) to.probe.interval = *interval;
     },
     &duration_schema, "From one question to the next (10s)"},
    {"timeout",
     [](Context& context, const Value& value, ProbeDraft& to) {
       if (auto timeout = read_duration(context, value)) to.probe.timeout = *timeout;
     },
     &duration_schema, "No answer for so long is a failure (5s)"},
    {"failures",
     [](Context& context, const Value& value, ProbeDraft& to) {
       count_field(context, value, to.probe.failures);
     },
     [] { return number_schema(1, 1'000'000); }, "So many in a row count (3)"},
    {"successes",
     [](Context& context, const Value& value, ProbeDraft& to) {
       count_field(context, value, to.probe.successes);
     },
     [] { return number_schema(1, 1'000'000); }, "So many in a row count (1)"},
    {"status", &read_status,
     [] {
       return either(
           {number_schema(100, 599), json::object{{"type", "array"}, {"items", number_schema(100, 599)}}});
     },
     "http only: these are a success, no others"},
};
const Later probe_later[] = {
    {"log", "probes that read the log"}, {"notify", "probes by sd_notify"}, {"grpc", "gRPC probes"}};

void read_probe(Context& context, const Value& value, std::optional<Probe>& to) {
  if (!want_map(context, value, "{http: \"http://127.0.0.1:{{port.http}}/health\", interval: 1s}")) return;
  ProbeDraft draft;
  read_fields<ProbeDraft>(context, value, draft, probe_fields, probe_later);
  bool later = std::ranges::any_of(probe_later, [&](const Later& one) { return value.find(one.key); });
  if (draft.kinds.empty() && later) context.excuse("http");
  else if (draft.kinds.empty())
    context.problem(value.at, "a probe needs something to ask", "one of http, tcp, exec");
  else if (draft.kinds.size() > 1)
    context.problem(value.at, fmt::format("a probe asks one thing, found {}", join(draft.kinds, " and ")));
  if (auto* http = std::get_if<HttpCheck>(&draft.probe.check)) http->status = std::move(draft.status);
  if (value.find("status") && draft.kinds != std::vector<std::string>{"http"})
    context.problem_in(value.find("status")->at, "status", "only an http probe has a status");
  to = std::move(draft.probe);
}

const Field<Probes> probes_fields[] = {
    {"start", [](Context& context, const Value& value, Probes& to) { read_probe(context, value, to.start); },
     [] { return fields_schema<ProbeDraft>(probe_fields); }, "Until its first success, live does not count"},
    {"ready", [](Context& context, const Value& value, Probes& to) { read_probe(context, value, to.ready); },
     [] { return fields_schema<ProbeDraft>(probe_fields); },
     "Who depends on it waits for this; never restarts"},
    {"live", [](Context& context, const Value& value, Probes& to) { read_probe(context, value, to.live); },
     [] { return fields_schema<ProbeDraft>(probe_fields); }, "Restarts when it fails"},
    {"start_timeout",
     [](Context& context, const Value& value, Probes& to) {
       if (auto timeout = read_duration(context, value)) to.start_timeout = *timeout;
     },
     &duration_schema, "Not ready within this is a failed start (60s)"},
};
}  // namespace

void read_probes(Context& context, const Value& value, Draft& draft) {
  if (!want_map(context, value, "{ready: {tcp: 8080}}")) return;
  read_fields<Probes>(context, value, draft.service.probes, probes_fields);
}

json::value probes_schema() { return fields_schema<Probes>(probes_fields); }

}  // namespace drover::spec
