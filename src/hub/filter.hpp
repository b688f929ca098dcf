#pragma once
// The filter language of lists and of the UI's stream: words, all of which must match.
//   web             some text of the row contains it (without case)
//   state:ready     the field is that;  a:x|y  one of them;  -a:x  not;  *  any letters;  labels.site:home
//   inside "two words"     quotes keep blanks and colons together
// Pure.

#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace drover::hub {

class Filter {
 public:
  /// `keys`: fields that a row has. invalid: an unknown key (with the nearest), an open quote, more than 32
  /// words.
  static Result<Filter> parse(std::string_view text, const std::vector<std::string_view>& keys);
  bool matches(const boost::json::object& row) const;
  bool empty() const { return terms_.empty(); }

 private:
  struct Term {
    std::string key;                  // empty: any text
    std::vector<std::string> wanted;  // lower case
    bool negated = false;
  };
  std::vector<Term> terms_;
};

/// `*` stands for any letters, also none. Linear in the text's length times the pattern's.
bool wildcard_match(std::string_view pattern, std::string_view text);

}  // namespace drover::hub
