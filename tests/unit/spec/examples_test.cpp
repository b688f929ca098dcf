// The files in examples/ are read without a problem or a warning, and so are the stacks in the documentation.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "spec/read.hpp"

namespace drover {
namespace {
namespace fs = std::filesystem;

std::string slurp(const fs::path& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

TEST(Examples, AreGoodStacks) {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator("examples")) {
    if (entry.path().extension() != ".yaml") continue;
    ++count;
    std::string text = slurp(entry.path());
    ReadOptions options;
    options.file = entry.path().string();
    options.directory = "/srv";
    options.default_name = entry.path().stem().string();
    auto read = read_stack(text, options);
    if (!read) {
      for (const Problem& problem : read.error().problems) ADD_FAILURE() << show_problem(problem, text);
      continue;
    }
    for (const Problem& problem : read->warnings) ADD_FAILURE() << show_problem(problem, text);
  }
  EXPECT_GE(count, 2u);
}

TEST(Examples, TheShopStartsInThisOrder) {
  ReadOptions options;
  options.directory = "/srv";
  auto read = read_stack(slurp("examples/shop.yaml"), options);
  ASSERT_TRUE(read);
  std::string order;
  for (const Service* service : in_order(read->stack)) order += service->name + " ";
  EXPECT_EQ(order, "redis migrate app nginx ");
}

/// Blocks that begin with ```yaml and are whole stacks ("services:").
std::vector<std::string> stacks_in(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = text.find("```yaml\n"); at != std::string::npos; at = text.find("```yaml\n", at)) {
    at += 8;
    std::string block = text.substr(at, text.find("```", at) - at);
    if (block.starts_with("services:") || block.find("\nservices:") != std::string::npos)
      out.push_back(block);
  }
  return out;
}

TEST(Documentation, ItsStacksAreGoodStacks) {
  std::vector<fs::path> pages{"README.md"};
  if (fs::exists("docs"))
    for (const auto& entry : fs::recursive_directory_iterator("docs"))
      if (entry.path().extension() == ".md") pages.push_back(entry.path());
  for (const fs::path& page : pages)
    for (const std::string& text : stacks_in(slurp(page))) {
      ReadOptions options;
      options.file = page.string();
      options.directory = "/srv";
      options.default_name = "doc";
      auto read = read_stack(text, options);
      if (!read)
        for (const Problem& problem : read.error().problems) ADD_FAILURE() << show_problem(problem, text);
    }
}

}  // namespace
}  // namespace drover
