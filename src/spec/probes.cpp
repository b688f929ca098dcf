// Probes: what is asked, how often, and how many answers count.
#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>

#include "base/text.hpp"
#include "spec/parts.hpp"
#include "spec/words.hpp"

namespace drover::spec {

namespace {
struct ProbeDraft {
  Probe probe;
  HttpCheck http;       // what belongs to an http check, whatever stands first
  std::string service;  // of a grpc check
  std::vector<std::string> kinds;
};

std::string local_address(std::string text) {
  bool number = !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  bool placeholder = text.starts_with("{{") && text.find("}}") == text.size() - 2;
  return number || placeholder ? "127.0.0.1:" + text : text;
}

void read_status(Context& context, const Value& value, ProbeDraft& to) {
  auto one = [&](const Value& from) {
    if (auto status = read_integer(context, from, 100, 599)) to.http.status.push_back(std::uint16_t(*status));
  };
  if (value.kind != Value::Kind::list) return one(value);
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    Context::Step step(context, i, value.items[i].at);
    one(value.items[i]);
  }
}

std::string absolute(const Context& context, const std::string& path) {
  const std::string& directory = context.options().directory;
  return directory.empty() || path.empty() || path.starts_with("{{") ? path : join_path(directory, path);
}

std::optional<std::string> read_pattern(Context& context, const Value& value) {
  auto text = read_string(context, value);
  if (!text) return text;
  re2::RE2 pattern(*text, re2::RE2::Quiet);
  if (pattern.ok()) return text;
  context.problem(value.at, fmt::format("{} is not a regular expression: {}", shown(value), pattern.error()),
                  "the syntax is that of RE2; a backslash stands twice within \"…\" of YAML");
  return std::nullopt;
}

void read_log(Context& context, const Value& value, ProbeDraft& to) {
  to.kinds.push_back("log");
  to.probe.check = LogCheck{};
  if (auto pattern = read_pattern(context, value)) to.probe.check = LogCheck{*pattern};
  else context.excuse("log");
}

void count_field(Context& context, const Value& value, std::uint32_t& to) {
  if (auto count = read_integer(context, value, 1, 1'000'000)) to = std::uint32_t(*count);
}

const Field<ProbeDraft> probe_fields[] = {
    {"http",
     [](Context& context, const Value& value, ProbeDraft& to) {
       to.kinds.push_back("http");
       if (auto url = read_string(context, value)) to.http.url = *url;
       to.probe.check = HttpCheck{};
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
    {"log", &read_log, &text_schema, "A regular expression (RE2) that a line of this run's log matches"},
    {"notify",
     [](Context& context, const Value& value, ProbeDraft& to) {
       to.kinds.push_back("notify");
       to.probe.check = NotifyCheck{};
       if (auto on = read_boolean(context, value); on && !*on)
         context.problem(value.at, "there is nothing to say with false", "leave it away");
     },
     [] { return json::value{{"enum", {true}}}; },
     "The program tells by sd_notify: READY=1; for live, WATCHDOG=1 within each interval"},
    {"grpc",
     [](Context& context, const Value& value, ProbeDraft& to) {
       to.kinds.push_back("grpc");
       if (auto address = read_string(context, value))
         to.probe.check = GrpcCheck{local_address(*address), {}};
     },
     [] { return either({number_schema(1, 65535), text_schema()}); },
     "An address that answers grpc.health.v1.Health with SERVING, without TLS"},
    {"file",
     [](Context& context, const Value& value, ProbeDraft& to) {
       to.kinds.push_back("file");
       if (auto path = read_string(context, value)) to.probe.check = FileCheck{absolute(context, *path)};
     },
     &text_schema, "A file that exists; seen from the directory of the stack file"},
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
     "http only: these are a success, no others (200 to 399)"},
    {"headers",
     [](Context& context, const Value& value, ProbeDraft& to) {
       to.http.headers = read_pairs(context, value, false);
     },
     &pairs_schema, "http only: sent with the request"},
    {"body",
     [](Context& context, const Value& value, ProbeDraft& to) {
       if (auto pattern = read_pattern(context, value)) to.http.body = *pattern;
     },
     &text_schema, "http only: a regular expression (RE2) to be found in the first 64 KiB of the answer"},
    {"socket",
     [](Context& context, const Value& value, ProbeDraft& to) {
       if (auto path = read_string(context, value)) to.http.socket = absolute(context, *path);
     },
     &text_schema, "http only: a Unix socket to ask instead of the host of the URL"},
    {"service",
     [](Context& context, const Value& value, ProbeDraft& to) {
       if (auto service = read_string(context, value)) to.service = *service;
     },
     &text_schema, "grpc only: the service to ask for; without it, the server as a whole"},
};

/// Keys that belong to one kind of check only.
void check_companions(Context& context, const Value& value, const ProbeDraft& draft) {
  constexpr std::pair<std::string_view, std::string_view> companions[] = {
      {"status", "http"}, {"headers", "http"}, {"body", "http"}, {"socket", "http"}, {"service", "grpc"}};
  for (const auto& [key, kind] : companions)
    if (const Entry* entry = value.find(key);
        entry && draft.kinds != std::vector<std::string>{std::string(kind)})
      context.problem_in(entry->at, key,
                         fmt::format("only {} {} probe has \"{}\"", kind == "http" ? "an" : "a", kind, key));
}

void read_probe(Context& context, const Value& value, std::optional<Probe>& to) {
  if (!want_map(context, value, "{http: \"http://127.0.0.1:{{port.http}}/health\", interval: 1s}")) return;
  ProbeDraft draft;
  read_fields<ProbeDraft>(context, value, draft, probe_fields);
  if (draft.kinds.empty())
    context.problem(value.at, "a probe needs something to ask",
                    "one of http, tcp, exec, log, notify, grpc, file");
  else if (draft.kinds.size() > 1)
    context.problem(value.at, fmt::format("a probe asks one thing, found {}", join(draft.kinds, " and ")));
  check_companions(context, value, draft);
  if (auto* http = std::get_if<HttpCheck>(&draft.probe.check)) *http = std::move(draft.http);
  if (auto* grpc = std::get_if<GrpcCheck>(&draft.probe.check)) grpc->service = std::move(draft.service);
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
