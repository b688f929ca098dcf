#include "cli/api.hpp"

#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "base/text.hpp"
#include "net/io_pool.hpp"
#include "net/problem.hpp"

namespace drover::cli {

namespace {
constexpr Duration default_answer_limit = 30s;
constexpr Duration stream_idle = 10min;  // a rare word in a large log lets one wait
constexpr Duration endless_idle = std::chrono::hours(24);
constexpr std::string_view base = "/api/v1";

Result<std::shared_ptr<const net::TlsClient>> trust(const std::string& pin, const std::string& ca_file) {
  net::TlsClientSettings settings;
  if (!pin.empty()) settings.trust = net::TrustPins{{pin}};
  else if (!ca_file.empty()) {
    std::ifstream in(ca_file);
    if (!in) return fail(Errc::not_found, "cannot read the CA file " + ca_file);
    std::stringstream content;
    content << in.rdbuf();
    settings.trust = net::TrustCa{{content.str()}, net::CertRole::hub};
  } else settings.trust = net::TrustSystem{};
  return net::TlsClient::create(std::move(settings));
}

std::string or_else(const std::string& first, const std::string& second) {
  return first.empty() ? second : first;
}

Result<Duration> answer_limit(const Context& context) {
  const auto given = context.variable("DROVER_ANSWER_LIMIT");
  if (given.empty()) return default_answer_limit;
  const auto limit = parse_duration(given);
  if (limit && *limit > Duration(0)) return *limit;
  return fail(Errc::invalid, "DROVER_ANSWER_LIMIT: \"" + given + "\" is not a duration", {}, "30s, 2m");
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

Error nothing_runs(const Context& context) {
  return Error{Errc::not_found,
               "nothing runs here",
               "no hub listens on " + context.socket_path(),
               "drover up FILE   (another one: --state DIR; elsewhere: --hub URL)",
               {}};
}
}  // namespace

std::string path_of(std::initializer_list<std::string_view> segments) {
  std::string out;
  for (auto segment : segments) out += "/" + net::percent_encode(segment);
  return out;
}

Result<Api> Api::open(const Context& context) {
  auto target = std::make_shared<Target>();
  target->context = &context;
  target->verbose = context.flags.verbose;
  TRY(target->answer_limit, answer_limit(context));
  target->token = or_else(context.flags.token, context.variable("DROVER_TOKEN"));
  // --state is nearer than DROVER_HUB: who names a directory means the hub that lives in it.
  auto hub = context.flags.hub;
  if (hub.empty() && context.flags.state.empty()) hub = context.variable("DROVER_HUB");
  if (hub.empty()) {
    struct stat info{};
    if (::stat(context.socket_path().c_str(), &info) != 0) return fail(nothing_runs(context));
    TRY(target->url, net::parse_url("unix:" + context.socket_path()));
    return Api(std::move(target));
  }
  TRY(target->url, net::parse_url(hub));
  if (target->url.scheme != "https" && !(target->url.scheme == "http" && is_loopback(target->url.host)))
    return fail(Errc::invalid, "the hub's address must begin with https:// (http:// on this machine only)",
                hub);
  if (target->url.tls()) {
    TRY(target->settings.tls, trust(or_else(context.flags.pin, context.variable("DROVER_PIN")),
                                    or_else(context.flags.ca_file, context.variable("DROVER_CA_FILE"))));
  }
  return Api(std::move(target));
}

std::string Api::address() const {
  const auto& url = target_->url;
  return url.scheme == "unix" ? "unix:" + url.socket : url.scheme + "://" + url.authority();
}

Api Api::at_most(Duration limit) const {
  auto target = std::make_shared<Target>(*target_);
  target->answer_limit = std::min(target->answer_limit, std::max<Duration>(limit, 100ms));
  return Api(std::move(target));
}

Error Api::explain(Error error) const {
  if (error.code == Errc::timeout) {
    error.message = "the hub " + address() + " does not answer (" + error.message + ")";
    error.hint = target_->url.scheme == "unix" ? "it is there, but busy or hung: drover down --force ends it"
                                               : "is it well, and the network?";
    return error;
  }
  if (error.code != Errc::unavailable && error.code != Errc::denied) return error;
  if (target_->url.scheme == "unix" && error.code == Errc::unavailable) {
    auto out = nothing_runs(*target_->context);
    out.cause = error.message;
    return out;
  }
  error.cause = error.message + (error.cause.empty() ? "" : ": " + error.cause);
  error.message = "the hub " + address() + " cannot be reached";
  error.hint = error.code == Errc::denied ? "the hub's identity is not the expected one: --pin or --ca-file"
                                          : "is it running, and is the address right?";
  error.code = Errc::unavailable;
  return error;
}

net::ClientRequest Api::request(const Call& call) const {
  net::ClientRequest out;
  out.method = call.method;
  out.target = call.path.starts_with("//") ? call.path.substr(1)
                                           : std::string(base) + call.path;  // "//health": not below /api
  auto query = call.query.encode();
  if (!query.empty()) out.target += "?" + query;
  out.headers.add("User-Agent", "drover-cli");
  if (!target_->token.empty()) out.headers.add("Authorization", "Bearer " + target_->token);
  if (!call.body.empty()) out.headers.add("Content-Type", call.content_type);
  if (!call.if_match.empty()) out.headers.add("If-Match", "\"" + call.if_match + "\"");
  if (call.method == "POST" || call.method == "PUT") {
    auto key = random_token();
    out.headers.add("Idempotency-Key", key);
    if (target_->verbose) target_->context->err.write("idempotency key: " + key + "\n");
  }
  out.body = call.body;
  if (target_->verbose) target_->context->err.write(out.method + " " + address() + out.target + "\n");
  return out;
}

net::Awaitable<Result<Answer>> Api::send_async(Call call) const {
  net::HttpClient client(target_->url, target_->settings);
  auto response = co_await client.request(request(call), target_->answer_limit);
  if (!response) co_return fail(explain(std::move(response.error())));
  if (response->status >= 400) co_return fail(net::problem_error(response->status, response->body));
  Answer answer;
  answer.status = response->status;
  if (auto location = response->headers.get("Location")) answer.location = *location;
  if (!response->body.empty()) {
    auto parsed = parse_json(response->body);
    answer.body = parsed ? std::move(*parsed) : json::value(std::string_view(response->body));
  }
  co_return answer;
}

Result<Answer> Api::send(const Call& call) const { return net::block_on(send_async(call)); }

Result<json::value> Api::get(const std::string& path, net::Query query) const {
  Call call;
  call.path = path;
  call.query = std::move(query);
  TRY(auto answer, send(call));
  return std::move(answer.body);
}

Result<json::array> Api::items(const std::string& path, const std::string& sort) const {
  const auto& flags = target_->context->flags;
  net::Query query;
  if (!flags.filter.empty()) query.add("filter", flags.filter);
  if (auto chosen = or_else(flags.sort, sort); !chosen.empty()) query.add("sort", chosen);
  std::size_t wanted = flags.limit ? flags.limit : SIZE_MAX;
  json::array all;
  std::string cursor;
  do {
    auto page_query = query;
    page_query.add("limit", std::to_string(std::min<std::size_t>(1000, wanted - all.size())));
    if (!cursor.empty()) page_query.add("cursor", cursor);
    TRY(auto page, get(path, std::move(page_query)));
    auto* items = page.is_object() ? page.get_object().if_contains("items") : nullptr;
    if (items && items->is_array())
      for (auto& item : items->get_array()) all.push_back(std::move(item));
    auto next = text(page, "next");
    if (next == cursor) break;  // a hub that repeats itself must not hold us for ever
    cursor = std::move(next);
  } while (!cursor.empty() && all.size() < wanted);
  return all;
}

net::Awaitable<Result<void>> Api::lines(Call call, std::function<bool(std::string)> on_line) const {
  net::HttpClient client(target_->url, target_->settings);
  auto stream = co_await client.open(request(call), target_->answer_limit);
  if (!stream) co_return fail(explain(std::move(stream.error())));
  if (stream->status() >= 400) {
    CO_TRY(auto body, co_await stream->rest(10s, 1 << 20));
    co_return fail(net::problem_error(stream->status(), body));
  }
  for (;;) {
    CO_TRY(auto line, co_await stream->line(call.endless ? endless_idle : stream_idle));
    if (!line) co_return Result<void>();
    if (!line->empty() && !on_line(std::move(*line))) co_return Result<void>();
  }
}

}  // namespace drover::cli
