#pragma once
// What the UI's stream can show: each topic's rows as JSON, all of them or some by id. Pure.

#include <boost/json/object.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/hub/hub.hpp"

namespace drover::hub {

struct Topic {
  std::string_view name;
  std::string_view id;                       // the member that names a row
  std::vector<std::string_view> (*keys)();   // members of a row
  std::set<std::string> Touched::* touched;  // null: any change (summary)
  /// `ids` null: all rows. Rows that are gone are left out.
  std::vector<boost::json::object> (*rows)(const HubCore& core, const std::set<std::string>* ids);
};

/// nullptr: no such topic ("events" is not one: it has no rows).
const Topic* find_topic(std::string_view name);

}  // namespace drover::hub
