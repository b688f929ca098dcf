// Any bytes as a stack file: no crash, no endless work, and what is accepted can be written and read again.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "spec/read.hpp"

namespace {
void insist(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "stack_file: %s\n", what);
  std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  drover::ReadOptions options;
  options.file = "fuzz.yaml";
  options.directory = "/srv";
  options.default_name = "fuzz";
  options.variables = {{"A", "1"}, {"B", "${A}"}};
  options.read_file = [text](const std::string&) -> drover::Result<std::string> {
    return std::string(text.substr(0, 200));
  };
  auto read = drover::read_stack(text, options);
  if (!read) {
    insist(!read.error().problems.empty(), "an error without a problem");
    for (const drover::Problem& problem : read.error().problems) {
      insist(!problem.message.empty() && !problem.file.empty(), "a problem that says nothing");
      drover::show_problem(problem, text);
    }
    return 0;
  }
  insist(drover::validate(read->stack).empty(), "accepted, but not valid");
  auto again = drover::read_stack(drover::print_stack(read->stack), options);
  insist(again.has_value() && again->stack == read->stack, "printed and read again, it is another stack");
  return 0;
}
