#include "net/parser.hpp"

#include <boost/beast/http/basic_parser.hpp>

namespace drover::net {

namespace http = boost::beast::http;
using boost::beast::error_code;

namespace {

// What both kinds of message have; the Beast parsers below call it.
struct Parsed {
  std::string method;
  std::string target;
  int status = 0;
  Headers headers;
  std::string body;
  std::optional<std::uint64_t> length;
  std::uint64_t limit = 0;
  std::uint64_t received = 0;
  bool head_done = false;
  int version = 11;  // 10 or 11

  std::size_t take(std::string_view bytes, error_code& error) {
    received += bytes.size();
    if (received > limit) error = http::error::body_limit;
    else body.append(bytes);
    return bytes.size();
  }
};

template <bool request>
class Parser final : public http::basic_parser<request> {
 public:
  explicit Parser(Parsed& parsed) : parsed_(parsed) {}

 private:
  using View = boost::beast::string_view;
  void on_request_impl(http::verb, View method, View target, int version, error_code&) override {
    parsed_.version = version;
    parsed_.method = method;
    parsed_.target = target;
  }
  void on_response_impl(int code, View, int version, error_code&) override {
    parsed_.version = version;
    parsed_.status = code;
  }
  void on_field_impl(http::field, View name, View value, error_code&) override {
    if (!parsed_.head_done)
      parsed_.headers.add(std::string(name), std::string(value));  // trailers are dropped
  }
  void on_header_impl(error_code&) override {
    parsed_.head_done = true;
    if (auto length = this->content_length()) parsed_.length = *length;
  }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(View body, error_code& error) override { return parsed_.take(body, error); }
  void on_chunk_header_impl(std::uint64_t, View, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, View body, error_code& error) override {
    return parsed_.take(body, error);
  }
  void on_finish_impl(error_code&) override {}
  Parsed& parsed_;
};

}  // namespace

struct MessageParser::Impl {
  Parsed parsed;
  std::unique_ptr<Parser<true>> request;
  std::unique_ptr<Parser<false>> response;

  template <class Function>
  auto with(Function function) {
    return request ? function(*request) : function(*response);
  }
};

MessageParser::MessageParser(Kind kind, std::size_t max_header, bool no_body)
    : impl_(std::make_unique<Impl>()) {
  if (kind == Kind::request) impl_->request = std::make_unique<Parser<true>>(impl_->parsed);
  else impl_->response = std::make_unique<Parser<false>>(impl_->parsed);
  impl_->with([&](auto& parser) {
    parser.header_limit(std::uint32_t(max_header));
    parser.body_limit(boost::none);  // ours is checked in Parsed::take
    parser.skip(no_body);
  });
}

MessageParser::~MessageParser() = default;

Result<std::size_t> MessageParser::feed(std::string_view bytes) {
  // Beast 1.81 ends the process when a last chunk that is the only one ("0", CRLF, CRLF) comes in pieces:
  // boostorg/beast#2861. Its fifth byte is awaited.
  const bool too_few = bytes.size() < 5 && bytes.starts_with("0\r\n") && impl_->with([](auto& parser) {
    return parser.is_header_done() && parser.chunked() && !parser.is_done();
  });
  if (too_few) return 0;
  error_code error;
  auto used = impl_->with([&](auto& parser) { return parser.put(boost::asio::buffer(bytes), error); });
  if (!error || error == http::error::need_more) return used;
  if (error == http::error::body_limit) return fail(Errc::exhausted, "the body is larger than allowed here");
  if (error == http::error::header_limit)
    return fail(Errc::exhausted, "the header is larger than allowed here");
  return fail(Errc::invalid, "this is not valid HTTP", error.message());
}

bool MessageParser::feed_end() {
  error_code error;
  return impl_->with([&](auto& parser) {
    if (parser.is_done()) return true;
    if (!parser.got_some()) return false;
    parser.put_eof(error);
    return !error;
  });
}

bool MessageParser::head_done() const { return impl_->parsed.head_done; }
bool MessageParser::done() const {
  return impl_->with([](auto& parser) { return parser.is_done(); });
}
void MessageParser::set_body_limit(std::uint64_t limit) { impl_->parsed.limit = limit; }
bool MessageParser::over_limit() const { return impl_->parsed.length.value_or(0) > impl_->parsed.limit; }
const std::string& MessageParser::method() const { return impl_->parsed.method; }
const std::string& MessageParser::target() const { return impl_->parsed.target; }
int MessageParser::status() const { return impl_->parsed.status; }
bool MessageParser::keep_alive() const {
  return impl_->with([](auto& parser) { return parser.keep_alive(); });
}
bool MessageParser::http10() const { return impl_->parsed.version < 11; }
Headers& MessageParser::headers() { return impl_->parsed.headers; }
std::string& MessageParser::body() { return impl_->parsed.body; }

}  // namespace drover::net
