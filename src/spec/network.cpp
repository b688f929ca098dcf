// Ports.
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

}  // namespace drover::spec
