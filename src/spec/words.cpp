#include "spec/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace drover::spec {

namespace {
std::unexpected<Error> unclosed(char quote) {
  return fail(Errc::invalid, fmt::format("the quote {} is not closed", quote), {},
              "write the command as a list: [\"program\", \"argument\"]");
}

class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text) {}

  Result<std::vector<std::string>> all() {
    for (; at_ < text_.size(); ++at_) {
      char c = text_[at_];
      if (c == ' ' || c == '\t' || c == '\n' || c == '\r') end_word();
      else if (c == '\'' || c == '"') {
        if (!quoted(c)) return unclosed(c);
      } else if (c == '\\' && at_ + 1 < text_.size()) {
        if (text_[++at_] != '\n') put(text_[at_]);
      } else {
        put(c);
      }
    }
    end_word();
    return std::move(words_);
  }

 private:
  bool quoted(char quote) {
    open_ = true;
    for (++at_; at_ < text_.size(); ++at_) {
      char c = text_[at_];
      if (c == quote) return true;
      bool escape = quote == '"' && c == '\\' && at_ + 1 < text_.size() &&
                    std::string_view("\"\\$`\n").find(text_[at_ + 1]) != std::string_view::npos;
      if (!escape) put(c);
      else if (text_[++at_] != '\n') put(text_[at_]);
    }
    return false;
  }
  void put(char c) {
    word_ += c;
    open_ = true;
  }
  void end_word() {
    if (open_) words_.push_back(std::move(word_));
    word_.clear();
    open_ = false;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool open_ = false;
  std::string word_;
  std::vector<std::string> words_;
};
}  // namespace

Result<std::vector<std::string>> split_words(std::string_view text) { return Splitter(text).all(); }

bool is_shell_operator(std::string_view word) {
  constexpr std::string_view operators[] = {"&&", "||", "|", ";", ">", ">>", "<", "<<", "&", "2>&1", "2>"};
  return std::ranges::find(operators, word) != std::end(operators);
}

std::string join_path(std::string_view directory, std::string_view path) {
  std::string joined = (std::filesystem::path(directory) / path).lexically_normal().string();
  while (joined.size() > 1 && joined.back() == '/') joined.pop_back();
  return joined;
}

}  // namespace drover::spec
