#include "hub/api/api.hpp"

namespace drover::hub {
namespace {

/// Newest first; the cursor is the number before which it goes on.
net::Awaitable<Result<net::Response>> list(Api& api, ApiCall call, NoBody) {
  CO_TRY(auto limit, parse_limit(call.request.query.get("limit"), 200));
  auto cursor = call.query("cursor");
  if (cursor.size() > 18 || cursor.find_first_not_of("0123456789") != cursor.npos)
    co_return fail(Errc::invalid, "the cursor is not one of ours");
  std::uint64_t before = cursor.empty() ? 0 : std::stoull(cursor);
  CO_TRY(auto filter, Filter::parse(call.query("filter"), member_names<AuditEntry>()));
  CO_TRY(auto entries, co_await on_worker<std::vector<AuditEntry>>(api, [&api, before, limit] {
           return api.engine.store().audit(before, std::uint32_t(limit));
         }));
  json::array items;
  for (const auto& entry : entries)
    if (auto row = to_json(entry); filter.matches(row.get_object())) items.push_back(std::move(row));
  json::object out{{"items", std::move(items)}, {"next", nullptr}};
  if (entries.size() == limit && entries.back().seq > 1) out["next"] = std::to_string(entries.back().seq);
  co_return net::json_response(200, print_json(out));
}

net::Awaitable<Result<store::AuditCheck>> verify(Api& api, ApiCall, NoBody) {
  return on_worker<store::AuditCheck>(api, [&api] { return api.engine.store().verify_audit(); });
}

}  // namespace

std::vector<ApiRoute> audit_routes() {
  return {route("GET", "/audit", "Who did what, newest first.", &list),
          route("GET", "/audit/verify", "Recomputes the chain of hashes.", &verify)};
}

}  // namespace drover::hub
