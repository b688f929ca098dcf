// Where instances go, and what they need there.
#include <fmt/format.h>

#include <charconv>

#include "base/text.hpp"
#include "spec/parts.hpp"

namespace drover::spec {

namespace {
struct PlaceDraft {
  Place& place;
  bool strategy = false, nodes = false;
};
const Field<PlaceDraft> place_fields[] = {
    {"strategy",
     [](Context& context, const Value& value, PlaceDraft& to) {
       to.strategy = true;
       if (auto strategy = read_enum<PlaceStrategy>(context, value)) to.place.strategy = *strategy;
     },
     &enum_schema<PlaceStrategy>,
     "spread over all that fit, binpack: fill one after the other, or manual: the nodes named here"},
    {"nodes",
     [](Context& context, const Value& value, PlaceDraft& to) {
       to.nodes = true;
       if (auto nodes = read_strings(context, value, true)) to.place.nodes = *nodes;
     },
     &strings_schema, "Instance i goes to the i-th of them, and around again"},
    {"constraints",
     [](Context& context, const Value& value, PlaceDraft& to) {
       if (auto constraints = read_strings(context, value, true)) to.place.constraints = *constraints;
     },
     &strings_schema,
     "All must hold: label.site == home, label.ssd, node.name != nas, resource.memory >= 16GiB"},
    {"prefer",
     [](Context& context, const Value& value, PlaceDraft& to) {
       if (auto wishes = read_strings(context, value, true)) to.place.prefer = *wishes;
     },
     &strings_schema, "Like constraints, but need not hold: nodes where more of them do come first"},
    {"spread_over",
     [](Context& context, const Value& value, PlaceDraft& to) {
       if (auto key = read_string(context, value)) to.place.spread_over = *key;
     },
     &text_schema, "label.zone: evenly over its values, then over the nodes of each"},
    {"max_per_node",
     [](Context& context, const Value& value, PlaceDraft& to) {
       if (auto count = read_integer(context, value, 0, 10'000))
         to.place.max_per_node = std::uint32_t(*count);
     },
     [] { return number_schema(0, 10'000); }, "Of this service's instances; 0: any number"},
};
}  // namespace

void read_place(Context& context, const Value& value, Place& to) {
  if (!want_map(context, value, "{strategy: spread, constraints: [\"label.site == home\"]}")) return;
  PlaceDraft draft{to};
  read_fields<PlaceDraft>(context, value, draft, place_fields);
  // Naming nodes is what manual means; asking for another strategy gives up the nodes of the default.
  if (draft.nodes && !draft.strategy) to.strategy = PlaceStrategy::manual;
  if (draft.strategy && !draft.nodes && to.strategy != PlaceStrategy::manual) to.nodes.clear();
}

json::value place_schema() { return fields_schema<PlaceDraft>(place_fields); }

namespace {
/// "0.5", 3, "512MiB".
std::optional<double> read_share(Context& context, const Value& value) {
  if (value.scalar()) {
    double number = 0;
    const auto* end = value.text.data() + value.text.size();
    const auto [at, error] = std::from_chars(value.text.data(), end, number);
    if (error == std::errc() && at == end && number >= 0) return number;
    if (auto size = parse_size(value.text)) return double(*size);
  }
  context.problem(value.at, fmt::format("must be a number or a size, found {}", shown(value)),
                  "write it as 2, 0.5 or 512MiB");
  return std::nullopt;
}

void reserve_one(Context& context, const Value& value, Draft& draft, const std::string& name) {
  auto amount = read_share(context, value);
  if (!amount) return;
  auto [known, fresh] = draft.service.reserve.emplace(name, *amount);
  if (!fresh && known->second != *amount)
    context.problem(value.at, fmt::format("\"reserve.{}\" is given twice, and not the same", name),
                    "take one of them away");
}

json::value share_schema() { return json::value{{"type", {"number", "string"}}}; }

struct Generic {
  std::string kind;
  const Value* amount = nullptr;
};
const Field<Generic> generic_fields[] = {
    {"kind",
     [](Context& context, const Value& value, Generic& to) {
       if (auto kind = read_string(context, value)) to.kind = *kind;
     },
     &text_schema, ""},
    {"value", [](Context&, const Value& value, Generic& to) { to.amount = &value; }, &share_schema, ""},
};
struct GenericItem {
  Draft* draft;
};
const Field<GenericItem> generic_item_fields[] = {
    {"discrete_resource_spec",
     [](Context& context, const Value& value, GenericItem& to) {
       if (!want_map(context, value, "{kind: licence, value: 1}")) return;
       Generic generic;
       read_fields<Generic>(context, value, generic, generic_fields);
       if (generic.kind.empty() || !generic.amount)
         return context.problem(value.at, "\"kind\" and \"value\" are both needed");
       context.also("reserve." + generic.kind);
       reserve_one(context, *generic.amount, *to.draft, generic.kind);
     },
     [] { return fields_schema<Generic>(generic_fields); }, "{kind: licence, value: 1}"},
};

void read_generic(Context& context, const Value& value, Draft& draft) {
  if (!want_list(context, value, "[{discrete_resource_spec: {kind: licence, value: 1}}]")) return;
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    Context::Step step(context, i, value.items[i].at);
    if (!want_map(context, value.items[i], "{discrete_resource_spec: {kind: licence, value: 1}}")) continue;
    GenericItem item{&draft};
    read_fields<GenericItem>(context, value.items[i], item, generic_item_fields);
  }
}

const Field<Draft> reservation_fields[] = {
    {"cpus", [](Context& c, const Value& v, Draft& to) { reserve_one(c, v, to, "cpu"); }, &share_schema,
     "Compose's word for reserve.cpu"},
    {"memory", [](Context& c, const Value& v, Draft& to) { reserve_one(c, v, to, "memory"); }, &size_schema,
     "Compose's word for reserve.memory"},
    {"generic_resources", &read_generic,
     [] {
       return json::value(
           json::object{{"type", "array"}, {"items", fields_schema<GenericItem>(generic_item_fields)}});
     },
     "Compose's words for resources that a node's operator has declared"},
};
const Later reservation_later[] = {{"devices", "GPUs and other devices"}};
}  // namespace

void read_reserve(Context& context, const Value& value, Draft& draft) {
  if (!want_map(context, value, "{cpu: 0.5, memory: 512MiB}")) return;
  for (const Entry& entry : value.entries) {
    Context::Step step(context, entry.key, entry.value.at);
    reserve_one(context, entry.value, draft, entry.key);
  }
}

void read_reservations(Context& context, const Value& value, Draft& draft) {
  context.also("reserve");
  if (want_map(context, value, "{cpus: 0.5, memory: 512MiB}"))
    read_fields<Draft>(context, value, draft, reservation_fields, reservation_later);
}

void read_mem_reservation(Context& context, const Value& value, Draft& draft) {
  context.also("reserve.memory");
  reserve_one(context, value, draft, "memory");
}

json::value reserve_schema() {
  return json::object{{"type", "object"}, {"additionalProperties", share_schema()}};
}
json::value reservations_schema() { return fields_schema<Draft>(reservation_fields); }

}  // namespace drover::spec
