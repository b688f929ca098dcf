#include "net/grpc_health.hpp"

#include <fmt/format.h>
#include <nghttp2/nghttp2.h>

#include <array>
#include <cstring>
#include <optional>

namespace drover::net {

namespace {
constexpr std::size_t max_answer = 64 << 10;

/// HealthCheckRequest{string service = 1} behind gRPC's five bytes: not compressed, length.
std::string request_message(const std::string& service) {
  std::string message;
  if (!service.empty()) {
    message += char(0x0a);
    std::size_t left = service.size();
    for (; left >= 0x80; left >>= 7) message += char(0x80 | (left & 0x7f));
    message += char(left);
    message += service;
  }
  const auto size = std::uint32_t(message.size());
  std::string out{char(0), char(size >> 24), char(size >> 16), char(size >> 8), char(size)};
  return out + message;
}

/// HealthCheckResponse{ServingStatus status = 1}; nullopt: not such a message. Absent is 0.
std::optional<std::uint64_t> serving_status(std::string_view body) {
  if (body.size() < 5 || body[0] != 0) return std::nullopt;
  std::string_view message = body.substr(5);
  if (message.empty()) return 0;
  if (message[0] != 0x08) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = 1, shift = 0; i < message.size() && shift < 64; ++i, shift += 7) {
    const auto byte = static_cast<unsigned char>(message[i]);
    value |= std::uint64_t(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

nghttp2_nv header(std::string_view name, std::string_view value) {
  // nghttp2 copies both: no flag forbids it.
  return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
          NGHTTP2_NV_FLAG_NONE};
}
}  // namespace

struct GrpcHealthCall::Impl {
  nghttp2_session* session = nullptr;
  std::string request;
  std::size_t sent = 0;
  std::string status, grpc_status, grpc_message, body;
  bool finished = false;
  std::uint32_t reset = 0;

  static Impl& of(void* user) { return *static_cast<Impl*>(user); }

  static int on_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t,
                       void* user) {
    const std::string_view key(reinterpret_cast<const char*>(name), name_size);
    const std::string text(reinterpret_cast<const char*>(value), std::min<std::size_t>(value_size, 200));
    if (key == ":status") of(user).status = text;
    if (key == "grpc-status") of(user).grpc_status = text;
    if (key == "grpc-message") of(user).grpc_message = text;
    return 0;
  }
  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t, const std::uint8_t* data, std::size_t size,
                     void* user) {
    auto& body = of(user).body;
    if (body.size() + size > max_answer) return NGHTTP2_ERR_CALLBACK_FAILURE;
    body.append(reinterpret_cast<const char*>(data), size);
    return 0;
  }
  static int on_close(nghttp2_session*, std::int32_t, std::uint32_t error, void* user) {
    of(user).finished = true;
    of(user).reset = error;
    return 0;
  }
  static ssize_t read_request(nghttp2_session*, std::int32_t, std::uint8_t* to, std::size_t size,
                              std::uint32_t* flags, nghttp2_data_source*, void* user) {
    Impl& impl = of(user);
    const auto count = std::min(size, impl.request.size() - impl.sent);
    std::memcpy(to, impl.request.data() + impl.sent, count);
    impl.sent += count;
    if (impl.sent == impl.request.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return ssize_t(count);
  }
};

GrpcHealthCall::GrpcHealthCall(const std::string& authority, const std::string& service)
    : impl_(std::make_unique<Impl>()) {
  impl_->request = request_message(service);
  nghttp2_session_callbacks* callbacks = nullptr;
  if (nghttp2_session_callbacks_new(&callbacks) != 0) throw std::bad_alloc();
  nghttp2_session_callbacks_set_on_header_callback(callbacks, &Impl::on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, &Impl::on_data);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, &Impl::on_close);
  const int made = nghttp2_session_client_new(&impl_->session, callbacks, impl_.get());
  nghttp2_session_callbacks_del(callbacks);
  if (made != 0) throw std::bad_alloc();
  const std::array headers{header(":method", "POST"),
                           header(":scheme", "http"),
                           header(":path", "/grpc.health.v1.Health/Check"),
                           header(":authority", authority),
                           header("content-type", "application/grpc"),
                           header("te", "trailers"),
                           header("user-agent", "drover-probe")};
  const nghttp2_data_provider body{{.ptr = nullptr}, &Impl::read_request};
  nghttp2_submit_settings(impl_->session, NGHTTP2_FLAG_NONE, nullptr, 0);
  nghttp2_submit_request(impl_->session, nullptr, headers.data(), headers.size(), &body, nullptr);
}
GrpcHealthCall::~GrpcHealthCall() { nghttp2_session_del(impl_->session); }

std::string GrpcHealthCall::output() {
  std::string out;
  const std::uint8_t* data = nullptr;
  for (ssize_t n = 0; (n = nghttp2_session_mem_send(impl_->session, &data)) > 0;)
    out.append(reinterpret_cast<const char*>(data), std::size_t(n));
  return out;
}

Result<void> GrpcHealthCall::input(std::string_view bytes) {
  const auto taken = nghttp2_session_mem_recv(
      impl_->session, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (taken < 0)
    return fail(Errc::unavailable, fmt::format("no gRPC server: {}", nghttp2_strerror(int(taken))));
  return {};
}

bool GrpcHealthCall::finished() const { return impl_->finished; }

Result<std::string> GrpcHealthCall::outcome() const {
  const Impl& impl = *impl_;
  if (!impl.finished) return fail(Errc::unavailable, "the connection ended before the answer");
  if (impl.status != "200" && !impl.status.empty())
    return fail(Errc::unavailable, fmt::format("HTTP {} instead of a gRPC answer", impl.status));
  if (impl.grpc_status == "5") return fail(Errc::unavailable, "the server does not know this service");
  if (impl.grpc_status == "12")
    return fail(Errc::unavailable, "the server has no health service (grpc.health.v1.Health)");
  if (impl.grpc_status != "0")
    return fail(Errc::unavailable,
                impl.grpc_status.empty()
                    ? fmt::format("the call was reset (HTTP/2 error {})", impl.reset)
                    : fmt::format("gRPC status {} {}", impl.grpc_status, impl.grpc_message));
  constexpr std::array names{"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};
  const auto status = serving_status(impl.body);
  if (!status || *status >= names.size())
    return fail(Errc::unavailable, "the answer is not one of the health service");
  if (*status != 1) return fail(Errc::unavailable, names[*status]);
  return std::string(names[1]);
}

}  // namespace drover::net
