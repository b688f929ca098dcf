#include "agent/local_logs.hpp"

#include <fmt/format.h>

#include "base/json.hpp"
#include "base/text.hpp"
#include "net/problem.hpp"
#include "runtime/own_log.hpp"

namespace drover::agent {

namespace {

constexpr std::uint64_t default_tail = 100;
using Sources = std::vector<runtime::LogSource>;

net::Awaitable<bool> write_batch(net::BodyWriter& out, const Sources& sources,
                                 std::vector<runtime::MergedRecord> batch, bool plain) {
  if (batch.empty()) co_return true;  // the past is over
  std::string text;
  for (const auto& [source, record] : batch) {
    if (plain) {
      text += fmt::format("{} | {}\n", sources[source].name, valid_utf8(record.line));
      continue;
    }
    auto line = runtime::to_json_line(record);
    line.pop_back();
    text += fmt::format("{},\"instance\":{}}}\n", line, print_json(json::value(sources[source].name)));
  }
  co_return (co_await out.write(std::move(text))).has_value();
}

struct Writing {
  net::Executor files;
  Sources sources;
  runtime::LogQuery query;
  bool plain = false;
};

net::Awaitable<void> write_logs(net::BodyWriter& out, Writing what) {
  const auto sink = [&out, &what](std::vector<runtime::MergedRecord> batch) {
    return write_batch(out, what.sources, std::move(batch), what.plain);
  };
  // The directories were there a moment ago; an instance that goes meanwhile just ends.
  [[maybe_unused]] const auto done =
      co_await runtime::read_logs(what.files, what.sources, std::move(what.query), sink);
}

}  // namespace

Result<Sources> own_log_sources(const runtime::Paths& paths, std::string_view program) {
  Sources sources;
  for (const auto known : runtime::node_programs)
    if (program.empty() || program == known)
      sources.push_back({std::string(known), runtime::own_log_directory(paths.state, known)});
  if (sources.empty())
    return fail(Errc::invalid, fmt::format("program: \"{}\" is not one of: agent, keeper", program));
  return sources;
}

net::Response answer_logs(const net::Request& request, LogReading reading, Sources sources) {
  auto query = runtime::parse_log_query(request.query.items(), reading.now);
  if (!query) return net::problem_response(query.error());
  const bool everything =
      query->since.has_value() || request.query.get("tail") == std::optional<std::string_view>("all");
  if (!query->tail && !everything) query->tail = default_tail;
  if (const auto fine = runtime::check_log_query(*query); !fine) return net::problem_response(fine.error());
  const bool plain = request.query.get("format") == std::optional<std::string_view>("text");
  net::Response response;
  response.headers.set("Content-Type", plain ? "text/plain; charset=utf-8" : "application/x-ndjson");
  response.endless = query->follow;
  Writing what{std::move(reading.files), std::move(sources), std::move(*query), plain};
  response.stream = [what = std::move(what)](net::BodyWriter& out) { return write_logs(out, what); };
  return response;
}

}  // namespace drover::agent
