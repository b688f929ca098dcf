// What our own programs have logged.
#include <algorithm>
#include <filesystem>

#include "base/text.hpp"
#include "cli/log_printer.hpp"
#include "cli/output.hpp"
#include "net/io_pool.hpp"
#include "runtime/log_shape.hpp"
#include "runtime/own_log.hpp"

namespace drover::cli {

namespace {

constexpr std::array<std::string_view, 3> programs{"hub", "agent", "keeper"};

/// Records of product row E8 in words: time, program, level, message, fields.
class OwnPrinter {
 public:
  OwnPrinter(const Context& context, bool names) : context_(context), names_(names) {}
  /// False: the reader is gone.
  bool print(const std::string& line) {
    if (context_.machine_readable()) return context_.out.write(line + "\n");
    const auto record = parse_json(line);
    if (!record) return context_.out.write(line + "\n");
    return context_.out.write(in_words(*record) + "\n");
  }

 private:
  std::string in_words(const json::value& record) {
    const auto& out = context_.out;
    auto line = out.paint(Style::dim, show_time(context_, text(record, "timestamp"))) + " ";
    if (names_) {
      const auto name = printable(text(record, at(record, "instance") ? "instance" : "service"));
      width_ = std::max(width_, display_width(name));
      line += name + std::string(width_ - display_width(name), ' ') + " ";
    }
    const auto level = text(record, "level");
    line += out.paint(style_of(level), level + std::string(5 - std::min<std::size_t>(level.size(), 5), ' '));
    line += " " + printable(text(record, "message"));
    if (const auto* context = at(record, "context"); context && context->is_object())
      for (const auto& [key, value] : context->get_object())
        if (key != "stream" && key != "timestamp" && key != "service") line += field(key, *context);
    if (at(record, "correlationId")) line += field("correlationId", record);
    return line;
  }

  std::string field(std::string_view key, const json::value& object) const {
    return "  " + context_.out.paint(Style::dim, std::string(key) + "=") + printable(text(object, key));
  }

  const Context& context_;
  bool names_;
  std::size_t width_ = 6;
};

/// STATE may be a hub's, an agent's, or that of `drover up`, which has its agent's below.
std::vector<runtime::LogSource> sources_below(const std::string& state, const LogFlags& flags) {
  std::vector<runtime::LogSource> sources;
  for (const auto program : programs) {
    if (!flags.targets.empty() && std::ranges::count(flags.targets, program) == 0) continue;
    for (const auto& place : {state, state + "/agent"}) {
      const auto directory = runtime::own_log_directory(place, program);
      std::error_code ignored;
      if (std::filesystem::is_directory(directory, ignored))
        sources.push_back({std::string(program), directory});
    }
  }
  return sources;
}

Result<runtime::LogQuery> query_of(const Context& context, const LogFlags& flags) {
  std::vector<std::pair<std::string, std::string>> options;
  for (auto& [key, value] : log_call(flags).query.items()) options.emplace_back(key, value);
  TRY(auto query, runtime::parse_log_query(options, context.clock->now().wall));
  TRYV(runtime::check_log_query(query));
  return query;
}

net::Awaitable<bool> print_batch(OwnPrinter& printer, const std::vector<runtime::LogSource>& sources,
                                 std::vector<runtime::MergedRecord> batch) {
  for (const auto& [source, record] : batch)
    if (!printer.print(runtime::to_structured_line(record, sources[source].name))) co_return false;
  co_return true;
}

Result<int> read_files(const Context& context, const LogFlags& flags,
                       std::vector<runtime::LogSource> sources) {
  TRY(auto query, query_of(context, flags));
  context.err.write("no hub answers here; read from the files in " + context.state_directory() + "\n");
  OwnPrinter printer(context, !flags.no_names);
  net::IoPool files(1);
  const auto sink = [&](std::vector<runtime::MergedRecord> batch) {
    return print_batch(printer, sources, std::move(batch));
  };
  TRYV(net::block_on(runtime::read_logs(files.executor(0), sources, std::move(query), sink)));
  return 0;
}

Result<void> ask_hub(const Context& context, const LogFlags& flags) {
  TRY(auto api, Api::open(context));
  OwnPrinter printer(context, !flags.no_names);
  return net::block_on(api.lines(log_call(flags), [&](std::string line) { return printer.print(line); }));
}

}  // namespace

Result<int> show_own_logs(Context& context, const LogFlags& given) {
  auto flags = given;
  flags.structured = true;
  for (const auto& target : flags.targets)
    if (std::ranges::count(programs, target) == 0)
      return fail(Errc::invalid, "--own: \"" + target + "\" is not one of: hub, agent, keeper");
  auto asked = ask_hub(context, flags);
  if (asked) return 0;
  // Nothing runs here, or only an agent of a hub elsewhere: the files are there all the same.
  const bool here = asked.error().code == Errc::not_found && context.flags.hub.empty() && flags.node.empty();
  auto sources = here ? sources_below(context.state_directory(), flags) : std::vector<runtime::LogSource>();
  if (sources.empty()) return fail(std::move(asked).error());
  return read_files(context, flags, std::move(sources));
}

}  // namespace drover::cli
