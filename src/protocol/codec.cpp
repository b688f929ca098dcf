#include "protocol/codec.hpp"

#include <fmt/format.h>

#include <boost/mp11/algorithm.hpp>

#include "base/json.hpp"

namespace drover::protocol {

namespace {
// Batches wrap a list around what one frame has; parse_json bounds the depth of both.

json::object write(const Envelope& envelope) {
  json::object out;
  out["t"] = kind(envelope.frame);
  out["n"] = envelope.n;
  out["a"] = envelope.a;
  if (envelope.epoch != 0) out["e"] = envelope.epoch;
  auto members = std::visit([](const auto& frame) { return to_json(frame); }, envelope.frame);
  for (auto& member : members.as_object()) out.emplace(member.key(), std::move(member.value()));
  return out;
}

/// The numbers around the frame; its own members lie beside them and are unknown here.
struct Around {
  std::string t;
  std::uint64_t n = 0, a = 0, e = 0;
};
BOOST_DESCRIBE_STRUCT(Around, (), (t, n, a, e))

template <class T>
Result<Frame> read_as(const json::value& value) {
  TRY(auto frame, from_json<T>(value, Unknown::ignore));
  return Frame(std::move(frame));
}

Result<Envelope> read(const json::value& value) {
  if (!value.is_object()) return fail(Errc::invalid, "a frame is a JSON object");
  TRY(auto around, from_json<Around>(value, Unknown::ignore));
  Result<Frame> frame =
      fail(Errc::unsupported, fmt::format("unknown frame \"{}\"", valid_utf8(around.t.substr(0, 64))));
  boost::mp11::mp_for_each<boost::mp11::mp_transform<std::type_identity, Frame>>(
      [&]<class T>(std::type_identity<T>) {
        if (around.t == T::kind) frame = read_as<T>(value);
      });
  if (!frame) {
    Error error = std::move(frame).error();
    if (error.code == Errc::invalid) error.message = fmt::format("frame \"{}\": {}", around.t, error.message);
    return fail(std::move(error));
  }
  return Envelope{around.n, around.a, around.e, std::move(*frame)};
}

Result<json::value> parse(std::string_view text) {
  if (text.size() > max_frame)
    return fail(Errc::exhausted, fmt::format("{} bytes are more than a frame may have", text.size()), {},
                fmt::format("at most {}", format_size(max_frame)));
  return parse_json(text);
}
}  // namespace

std::string_view kind(const Frame& frame) {
  return std::visit([](const auto& value) -> std::string_view { return std::decay_t<decltype(value)>::kind; },
                    frame);
}

std::string encode(const Envelope& envelope) { return print_json(write(envelope)); }

Result<Envelope> decode(std::string_view text) {
  TRY(auto value, parse(text));
  return read(value);
}

std::string encode_batch(const std::vector<Envelope>& envelopes) {
  json::array out;
  out.reserve(envelopes.size());
  for (const Envelope& envelope : envelopes) out.push_back(write(envelope));
  return print_json(out);
}

Result<std::vector<Envelope>> decode_batch(std::string_view text) {
  TRY(auto value, parse(text));
  if (!value.is_array()) return fail(Errc::invalid, "a batch of frames is a JSON array");
  const json::array& list = value.get_array();
  if (list.size() > max_batch)
    return fail(Errc::exhausted,
                fmt::format("{} frames are more than a batch may have ({})", list.size(), max_batch));
  std::vector<Envelope> out;
  out.reserve(list.size());
  for (const json::value& item : list) {
    TRY(auto envelope, read(item));
    out.push_back(std::move(envelope));
  }
  return out;
}

}  // namespace drover::protocol
