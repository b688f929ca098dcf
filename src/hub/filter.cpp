#include "hub/filter.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.hpp"
#include "base/text.hpp"

namespace drover::hub {

namespace {
constexpr std::size_t max_terms = 32, max_length = 2000;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
  return out;
}

struct Word {
  std::string text;
  std::size_t colon = std::string::npos;  // the first one outside quotes
};

Result<std::vector<Word>> words_of(std::string_view text) {
  std::vector<Word> words;
  Word word;
  bool quoted = false, any = false;
  auto end_word = [&] {
    if (any) words.push_back(std::exchange(word, {}));
    any = false;
  };
  for (char c : text) {
    if (c == '"') {
      quoted = !quoted;
      any = true;
    } else if (!quoted && (c == ' ' || c == '\t')) {
      end_word();
    } else {
      if (c == ':' && !quoted && word.colon == std::string::npos) word.colon = word.text.size();
      word.text += c;
      any = true;
    }
  }
  if (quoted) return fail(Errc::invalid, "the filter has an open quote");
  end_word();
  return words;
}

std::string scalar_text(const json::value& value) {
  if (value.is_string()) return lower(std::string_view(value.get_string()));
  if (value.is_bool()) return value.get_bool() ? "true" : "false";
  if (value.is_number()) return print_json(value);
  return {};
}

/// Some scalar below `value` that `test` likes.
template <class Test>
bool any_scalar(const json::value& value, const Test& test) {
  if (value.is_array())
    return std::ranges::any_of(value.get_array(), [&](const auto& item) { return any_scalar(item, test); });
  if (value.is_object())
    return std::ranges::any_of(value.get_object(),
                               [&](const auto& item) { return any_scalar(item.value(), test); });
  return !value.is_null() && test(scalar_text(value));
}

const json::value* find(const json::object& row, std::string_view key) {
  auto dot = key.find('.');
  auto found = row.find(key.substr(0, dot));
  if (found == row.end()) return nullptr;
  if (dot == key.npos) return &found->value();
  return found->value().is_object() ? find(found->value().get_object(), key.substr(dot + 1)) : nullptr;
}
}  // namespace

bool wildcard_match(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, back = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      back = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++back;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

Result<Filter> Filter::parse(std::string_view text, const std::vector<std::string_view>& keys) {
  if (text.size() > max_length) return fail(Errc::invalid, "the filter is too long");
  TRY(auto words, words_of(text));
  if (words.size() > max_terms) return fail(Errc::invalid, "the filter has too many words");
  Filter filter;
  for (auto& word : words) {
    Term term;
    if (word.text.starts_with('-') && word.text.size() > 1) {
      term.negated = true;
      word.text.erase(0, 1);
      if (word.colon != std::string::npos) --word.colon;
    }
    std::string value = word.text;
    if (word.colon != std::string::npos && word.colon > 0) {
      term.key = word.text.substr(0, word.colon);
      value = word.text.substr(word.colon + 1);
      auto top = std::string_view(term.key).substr(0, term.key.find('.'));
      if (std::ranges::find(keys, top) == keys.end()) {
        auto near = nearest(top, std::span<const std::string_view>(keys));
        return fail(Errc::invalid, fmt::format("there is no field \"{}\" to filter by", top), {},
                    near ? fmt::format("did you mean \"{}\"?", *near)
                         : fmt::format("there are: {}", fmt::join(keys, ", ")));
      }
    }
    for (auto& part : split(value, '|')) term.wanted.push_back(lower(part));
    if (term.wanted.empty()) term.wanted.emplace_back();
    filter.terms_.push_back(std::move(term));
  }
  return filter;
}

bool Filter::matches(const json::object& row) const {
  auto holds = [&](const Term& term) {
    auto is = [&](const std::string& text) {
      return std::ranges::any_of(term.wanted, [&](const auto& want) {
        return term.key.empty() ? wildcard_match("*" + want + "*", text) : wildcard_match(want, text);
      });
    };
    if (term.key.empty()) return any_scalar(json::value(row), is);
    auto* value = find(row, term.key);
    if (!value || value->is_null()) return is("");
    return any_scalar(*value, is);
  };
  return std::ranges::all_of(terms_, [&](const Term& term) { return holds(term) != term.negated; });
}

}  // namespace drover::hub
