// Files in data/: bad/NAME.yaml beside the problems it must have (NAME.txt), good/NAME.yaml beside the stack
// that it means (NAME.json). UPDATE_GOLDEN=1 writes the expectations anew; read the difference before it is
// committed.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "spec/read.hpp"

namespace drover {
namespace {
namespace fs = std::filesystem;

std::string slurp(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

ReadOptions options_for(const fs::path& file) {
  ReadOptions options;
  options.file = file.filename().string();
  options.directory = "/srv/app";
  options.default_name = "My App";
  options.variables = {{"PORT", "8080"}, {"EMPTY", ""}, {"TOKEN", "a$b"}};
  options.read_file = [file](const std::string& path) -> Result<std::string> {
    fs::path real = file.parent_path() / fs::path(path).filename();
    if (!fs::exists(real)) return fail(Errc::not_found, "no such file");
    return slurp(real);
  };
  return options;
}

std::string lines(const std::vector<Problem>& problems, const std::string& text, const std::string& file) {
  std::string out;
  for (const Problem& problem : problems)
    out += show_problem(problem, problem.file == file ? text : "") + "\n";
  return out;
}

std::string outcome(const fs::path& file) {
  std::string text = slurp(file);
  auto read = read_stack(text, options_for(file));
  std::string name = file.filename().string();
  if (!read) return "error: " + read.error().message + "\n" + lines(read.error().problems, text, name);
  std::string warnings = lines(read->warnings, text, name);
  return print_stack(read->stack) + (warnings.empty() ? "" : "warnings:\n" + warnings);
}

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, IsAsExpected) {
  fs::path file(GetParam());
  bool bad = file.parent_path().filename() == "bad";
  fs::path expected = fs::path(file).replace_extension(bad ? ".txt" : ".json");
  std::string got = outcome(file);
  EXPECT_EQ(got.starts_with("error: "), bad) << got;
  if (std::getenv("UPDATE_GOLDEN")) std::ofstream(expected, std::ios::binary) << got;
  EXPECT_EQ(got, slurp(expected)) << "UPDATE_GOLDEN=1 writes it anew";
}

std::vector<std::string> files() {
  std::vector<std::string> out;
  for (const char* folder : {"tests/unit/spec/data/bad", "tests/unit/spec/data/good"})
    for (const auto& entry : fs::directory_iterator(folder))
      if (entry.path().extension() == ".yaml") out.push_back(entry.path().string());
  std::ranges::sort(out);
  return out;
}

INSTANTIATE_TEST_SUITE_P(Files, Golden, testing::ValuesIn(files()), [](const auto& one) {
  fs::path path(one.param);
  std::string name = path.parent_path().filename().string() + "_" + path.stem().string();
  std::ranges::replace(name, '-', '_');
  return name;
});

}  // namespace
}  // namespace drover
