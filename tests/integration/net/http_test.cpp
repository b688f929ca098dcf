#include <ifaddrs.h>

#include "integration/net/harness.hpp"

namespace drover::net::test {
namespace {

using Http = ServerTest;

std::string status_line(const std::string& answer) { return answer.substr(0, answer.find("\r\n")); }

class HttpRaw : public ServerTest {
 protected:
  std::string host() const { return "Host: 127.0.0.1:" + std::to_string(port_) + "\r\n"; }
  void start(ServerSettings settings = {}, Handler handler = echo_handler()) {
    port_ = serve_plain(std::move(handler), std::move(settings));
  }
  /// The answer to these bytes; the server must close.
  std::string last_answer(const std::string& bytes) {
    Raw raw(port_);
    raw.send(bytes);
    auto answer = raw.read_all();
    EXPECT_TRUE(raw.closed()) << bytes;
    return answer;
  }
  std::uint16_t port_ = 0;
};

TEST_F(HttpRaw, PipelinedRequestsAreAnsweredInOrder) {
  start();
  Raw raw(port_);
  raw.send("GET /1 HTTP/1.1\r\n" + host() + "\r\nPOST /2 HTTP/1.1\r\n" + host() +
           "Content-Length: 3\r\n\r\nabcGET /3 HTTP/1.1\r\n" + host() + "Connection: close\r\n\r\n");
  auto answer = raw.read_all();
  EXPECT_TRUE(raw.closed());
  auto first = answer.find("GET /1 "), second = answer.find("POST /2 abc"), third = answer.find("GET /3 ");
  EXPECT_TRUE(first < second && second < third && third != answer.npos) << answer;
}

TEST_F(HttpRaw, ChunkedBodiesAndTrailers) {
  start();
  auto answer = last_answer("POST / HTTP/1.1\r\n" + host() +
                            "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                            "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: 1\r\n\r\n");
  EXPECT_NE(answer.find("POST / abcde"), answer.npos) << answer;
}

TEST_F(HttpRaw, ByteByByte) {
  start();
  Raw raw(port_);
  for (char c : "POST / HTTP/1.1\r\n" + host() +
                    "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
    raw.send(std::string_view(&c, 1));
  EXPECT_NE(raw.read_all().find("POST / abc"), std::string::npos);
}

TEST_F(HttpRaw, MalformedRequestsAreRefusedBeforeRouting) {
  start();
  struct Case {
    std::string bytes;
    std::string status;
  };
  auto get = "GET / HTTP/1.1\r\n" + host();
  auto post = "POST / HTTP/1.1\r\n" + host();
  for (const auto& [bytes, status] : std::vector<Case>{
           {"GET / HTTP/1.1\r\n\r\n", "400"},                                  // no Host
           {get + host() + "\r\n", "400"},                                     // two
           {get + "X: a\r\n b\r\n\r\n", "400"},                                // obs-fold
           {post + "Transfer-Encoding: xchunked\r\n\r\n", "501"},              // ignored by Beast
           {post + "Content-Length: 1\r\nContent-Length: 1\r\n\r\na", "400"},  // repeated
           {post + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
           {post + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", "400"},  // no chunk size
           {post + "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", "400"},
           {post + "Transfer-Encoding: chunked\r\n\r\n-1\r\n", "400"},
           {"GET / HTTP/1.1\nHost: a\n\n", "400"},  // bare LF
           {"GET /../etc/passwd HTTP/1.1\r\n" + host() + "\r\n", "400"},
           {"GET /%2e%2e/ HTTP/1.1\r\n" + host() + "\r\n", "400"},
           {"GET /%00 HTTP/1.1\r\n" + host() + "\r\n", "400"},
           {"GET http://other/ HTTP/1.1\r\n" + host() + "\r\n", "400"},
           {"GET / HTTP/3.0\r\n" + host() + "\r\n", "505"},
           {std::string("\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 11), "400"},  // TLS on a plain port
           {get + "Expect: something\r\n\r\n", "417"},
           {"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", "421"},  // DNS rebinding
           {"GET / HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n", "421"},
       }) {
    auto answer = last_answer(bytes);
    EXPECT_EQ(status_line(answer).substr(0, 12), "HTTP/1.1 " + status) << bytes;
    EXPECT_NE(answer.find("application/problem+json"), answer.npos) << answer;
  }
  EXPECT_NE(last_answer("GET / HTTP/1.1\r\nHost: localhost:" + std::to_string(port_) +
                        "\r\nConnection: close\r\n\r\n")
                .find("200 OK"),
            std::string::npos);
}

TEST_F(HttpRaw, OversizeIsRefused) {
  ServerSettings settings;
  settings.max_body = 1000;
  settings.max_header = 2000;
  settings.body_limit = [](const Request& request) -> std::size_t {
    return request.path == "/big" ? 100'000 : 1000;
  };
  start(settings);
  auto post = [&](std::string path) {
    return "POST " + path + " HTTP/1.1\r\n" + host() + "Connection: close\r\n";
  };
  EXPECT_EQ(status_line(last_answer(post("/") + "Content-Length: 1001\r\n\r\n" + std::string(1001, 'a'))),
            "HTTP/1.1 413 Content Too Large");
  EXPECT_EQ(status_line(last_answer(post("/") + "Content-Length: 999999999999999999\r\n\r\n")),
            "HTTP/1.1 413 Content Too Large");
  EXPECT_EQ(status_line(last_answer(post("/") + "Transfer-Encoding: chunked\r\n\r\n5dc\r\n" +
                                    std::string(1500, 'a') + "\r\n")),
            "HTTP/1.1 413 Content Too Large");
  EXPECT_EQ(
      status_line(last_answer(post("/big") + "Content-Length: 50000\r\n\r\n" + std::string(50'000, 'a'))),
      "HTTP/1.1 200 OK");
  EXPECT_EQ(
      status_line(last_answer("GET / HTTP/1.1\r\n" + host() + "X: " + std::string(3000, 'a') + "\r\n\r\n")),
      "HTTP/1.1 431 Request Header Fields Too Large");
  EXPECT_EQ(status_line(last_answer("GET /" + std::string(500'000, 'a'))),
            "HTTP/1.1 431 Request Header Fields Too Large");
  EXPECT_EQ(
      status_line(last_answer(post("/") + "Transfer-Encoding: chunked\r\n\r\n1;" + std::string(50'000, 'x'))),
      "HTTP/1.1 400 Bad Request");
}

TEST_F(HttpRaw, SlowLorisIsCut) {
  ServerSettings settings;
  settings.header = 200ms;
  settings.body_progress = 200ms;
  settings.idle = 300ms;
  start(settings);
  auto begun = std::chrono::steady_clock::now();
  Raw dripping(port_);
  for (int i = 0; i < 40; ++i) {  // steady progress, yet never a whole header
    if (!dripping.send(i == 0 ? "GET / HTTP/1.1\r\nX: " : "a")) break;
    ::usleep(20'000);
  }
  dripping.read_all(1000);
  EXPECT_TRUE(dripping.closed());
  Raw stalled(port_);
  stalled.send("POST / HTTP/1.1\r\n" + host() + "Content-Length: 10\r\n\r\nabc");
  stalled.read_all(3000);
  EXPECT_TRUE(stalled.closed());
  Raw silent(port_);
  silent.read_all(3000);
  EXPECT_TRUE(silent.closed());
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
}

TEST_F(HttpRaw, ExpectContinueAndHead) {
  start();
  Raw raw(port_);
  raw.send("POST / HTTP/1.1\r\n" + host() + "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(raw.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  raw.send("abc");
  EXPECT_NE(raw.read_until("abc").find("200 OK"), std::string::npos);
  auto head = last_answer("HEAD /x HTTP/1.1\r\n" + host() + "Connection: close\r\n\r\n");
  EXPECT_NE(head.find("Content-Length: 8\r\n"), head.npos) << head;
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
}

Awaitable<Response> throwing(Request* request) {
  if (request->path == "/throw") throw std::runtime_error("a bug");
  co_return text_response(200, "fine", "text/plain\r\nInjected: yes");
}

TEST_F(HttpRaw, HandlerExceptionsAreAnsweredAndReported) {
  start({}, [](Request& request) { return throwing(&request); });
  Raw raw(port_);
  raw.send("GET /throw HTTP/1.1\r\n" + host() + "\r\n");
  EXPECT_NE(raw.read_until("}").find("500 Internal"), std::string::npos);
  raw.send("GET / HTTP/1.1\r\n" + host() + "\r\n");  // the connection goes on
  auto answer = raw.read_until("fine");
  EXPECT_EQ(answer.find("\r\nInjected"), answer.npos) << "header injection";
  ASSERT_EQ(problems().size(), 1u);
  EXPECT_EQ(problems()[0], "a request handler failed: a bug");
}

TEST_F(HttpRaw, ManyConnectionsAtOnce) {
  start();
  std::vector<std::unique_ptr<Raw>> all;
  for (int i = 0; i < 400; ++i) all.push_back(std::make_unique<Raw>(port_));
  for (auto& raw : all) ASSERT_TRUE(raw->connected() && raw->send("GET /x HTTP/1.1\r\n" + host() + "\r\n"));
  for (auto& raw : all) EXPECT_NE(raw->read_until("GET /x").find("200 OK"), std::string::npos);
  EXPECT_EQ(server_->connections(), 400u);
  all.clear();
  for (int i = 0; i < 200 && server_->connections() > 0; ++i) ::usleep(10'000);
  EXPECT_EQ(server_->connections(), 0u);
}

TEST_F(HttpRaw, TooManyConnectionsWaitTheirTurn) {
  ServerSettings settings;
  settings.max_connections = 2;
  start(settings);
  auto a = std::make_unique<Raw>(port_), b = std::make_unique<Raw>(port_), c = std::make_unique<Raw>(port_);
  auto ask = "GET /x HTTP/1.1\r\n" + host() + "\r\n";
  for (auto* raw : {a.get(), b.get(), c.get()}) raw->send(ask);
  EXPECT_NE(a->read_until("GET /x"), "");
  EXPECT_NE(b->read_until("GET /x"), "");
  EXPECT_EQ(c->read_until("GET /x", 100), "");  // in the backlog
  a.reset();
  EXPECT_NE(c->read_until("GET /x"), "");
}

// An IPv4 address of this machine that is not loopback; "" if it has none.
std::string outside_address() {
  std::string found;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return found;
  for (auto* at = list; at; at = at->ifa_next) {
    if (!at->ifa_addr || at->ifa_addr->sa_family != AF_INET) continue;
    char text[INET_ADDRSTRLEN];
    ::inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in*>(at->ifa_addr)->sin_addr, text, sizeof text);
    if (!std::string_view(text).starts_with("127.")) found = text;
  }
  ::freeifaddrs(list);
  return found;
}

TEST_F(Http, OneAddressGetsOnlySoManyConnections) {
  auto address = outside_address();
  if (address.empty()) GTEST_SKIP() << "skipped, because this machine has only loopback";
  ServerSettings settings;
  settings.max_per_address = 3;
  serve(echo_handler(), settings);
  auto port = server_->listen(ListenTcp{.address = "0.0.0.0"}).value();
  server_->start();
  std::vector<std::unique_ptr<Raw>> all;
  int answered = 0;
  for (int i = 0; i < 5; ++i) {
    auto& raw = *all.emplace_back(std::make_unique<Raw>(port, address.c_str()));
    raw.send("GET /x HTTP/1.1\r\nHost: any.name\r\n\r\n");
    answered += raw.read_until("GET /x").empty() ? 0 : 1;
  }
  EXPECT_EQ(answered, 3);
  Raw local(port);
  local.send("GET /x HTTP/1.1\r\nHost: any.name\r\n\r\n");
  EXPECT_NE(local.read_until("GET /x"), "");
}

TEST_F(HttpRaw, PortInUseIsAConflict) {
  start();
  HttpServer other(pool_, {}, echo_handler());
  auto taken = other.listen(ListenTcp{.port = port_});
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Errc::conflict);
  EXPECT_EQ(taken.error().message,
            "port " + std::to_string(port_) + " on 127.0.0.1 is in use by another program");
  EXPECT_EQ(other.listen(ListenTcp{.address = "nowhere"}).error().code, Errc::invalid);
  wait_for(pool_.executor(0), other.stop(0s));
}

// --- Unix sockets
// ----------------------------------------------------------------------------------------------------

Awaitable<Response> tell_credentials(Request* request) {
  const auto& who = request->peer->credentials;
  co_return text_response(200, who ? std::to_string(who->uid) + " " + std::to_string(who->pid) : "nobody");
}

TEST_F(Http, UnixSocketTellsWhoCalls) {
  Folder folder;
  auto path = folder.path + "/hub.sock";
  serve([](Request& request) { return tell_credentials(&request); });
  ASSERT_TRUE(server_->listen(ListenUnix{path}));
  server_->start();
  auto answer = get(parse_url("unix:" + path).value(), "/");
  ASSERT_TRUE(answer) << answer.error().message << answer.error().cause;
  EXPECT_EQ(answer->body, std::to_string(::getuid()) + " " + std::to_string(::getpid()));
  EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms(0600));
  HttpServer second(pool_, {}, echo_handler());
  EXPECT_EQ(second.listen(ListenUnix{path}).error().code, Errc::conflict);
  stop(1s);
  EXPECT_FALSE(std::filesystem::exists(path));
}

Awaitable<Response> tell_uid(Request* request) {
  co_return text_response(200, request->peer->uid ? std::to_string(*request->peer->uid) : "unknown");
}

TEST_F(Http, LoopbackCallersAreKnownByTheirUid) {
  serve([](Request& request) { return tell_uid(&request); });
  auto known = server_->listen(ListenTcp{.identify_callers = true}).value();
  auto known6 = server_->listen(ListenTcp{.address = "::1", .identify_callers = true});
  auto anonymous = server_->listen(ListenTcp{}).value();
  server_->start();
  EXPECT_EQ(get(url(known), "/")->body, std::to_string(::getuid()));
  EXPECT_EQ(get(url(anonymous), "/")->body, "unknown");
  if (!known6) GTEST_SKIP() << "skipped, because this machine has no IPv6 loopback";
  auto six = parse_url("http://[::1]:" + std::to_string(*known6)).value();
  EXPECT_EQ(get(six, "/")->body, std::to_string(::getuid()));
}

TEST_F(Http, StaleSocketFileIsReplacedOtherFilesAreNot) {
  Folder folder;
  auto path = folder.path + "/hub.sock";
  {
    int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);  // bound, never unlinked: what kill -9 leaves
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::snprintf(address.sun_path, sizeof address.sun_path, "%s", path.c_str());
    ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ::close(fd);
  }
  serve(echo_handler());
  ASSERT_TRUE(server_->listen(ListenUnix{.path = path, .mode = 0660}));
  EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms(0660));
  ASSERT_TRUE(write_file_atomically(folder.path + "/file", "x", 0600));
  EXPECT_EQ(server_->listen(ListenUnix{folder.path + "/file"}).error().code, Errc::conflict);
  EXPECT_EQ(server_->listen(ListenUnix{std::string(200, 'a')}).error().code, Errc::invalid);
}

// --- client
// ----------------------------------------------------------------------------------------------------------

TEST_F(Http, ClientReusesItsConnection) {
  auto port = serve_plain(echo_handler());
  HttpClient client(url(port), {});
  for (int i = 0; i < 3; ++i) {
    auto answer = wait_for(pool_.executor(1), client.request({.target = "/x"}, 5s));
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->body, "GET /x ");
  }
  EXPECT_EQ(server_->connections(), 1u);
  auto post =
      wait_for(pool_.executor(1),
               client.request({.method = "POST", .target = "/y", .body = std::string(300'000, 'z')}, 5s));
  ASSERT_TRUE(post);
  EXPECT_EQ(post->body.size(), 300'008u);
}

TEST_F(Http, ClientComesBackAfterARestartOfTheServer) {
  auto port = serve_plain(echo_handler());
  HttpClient client(url(port), {});
  ASSERT_TRUE(wait_for(pool_.executor(1), client.request({}, 5s)));
  stop(1s);
  auto gone = wait_for(pool_.executor(1), client.request({}, 5s));
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, Errc::unavailable);
  serve(echo_handler());
  ASSERT_TRUE(server_->listen(ListenTcp{.port = port}));
  server_->start();
  EXPECT_TRUE(wait_for(pool_.executor(1), client.request({}, 5s)));
}

Awaitable<Response> dawdle() {
  co_await sleep_for(10s);
  co_return text_response(200, "late");
}

TEST_F(Http, ClientDeadlineCutsTheRequest) {
  auto port = serve_plain([](Request&) { return dawdle(); });
  HttpClient client(url(port), {});
  auto answer = wait_for(pool_.executor(1), client.request({}, 100ms));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::timeout);
  EXPECT_EQ(answer.error().message, "GET / took longer than 100 ms");
}

TEST_F(Http, ClientRefusesToSendForgedHeaders) {
  auto port = serve_plain(echo_handler());
  HttpClient client(url(port), {});
  EXPECT_EQ(run(client.request({.target = "/ HTTP/1.1\r\nX: 1"}, 5s)).error().code, Errc::invalid);
  EXPECT_EQ(run(client.request({.headers = {{"X", "1\r\nY: 2"}}}, 5s)).error().code, Errc::invalid);
}

TEST_F(Http, GracefulStopLetsRequestsFinish) {
  auto port = serve_plain([](Request&) -> Awaitable<Response> {
    co_await sleep_for(200ms);
    co_return text_response(200, "done");
  });
  Raw idle(port), busy(port);
  busy.send("GET / HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) + "\r\n\r\n");
  ::usleep(50'000);
  auto begun = std::chrono::steady_clock::now();
  stop(5s);
  auto took = std::chrono::steady_clock::now() - begun;
  EXPECT_LT(took, 4s);
  EXPECT_NE(busy.read_all(1000).find("done"), std::string::npos);
  idle.read_all(1000);
  EXPECT_TRUE(idle.closed());
  EXPECT_FALSE(Raw(port).connected());
}

TEST_F(Http, StopCutsWhatOutlastsTheGrace) {
  auto port = serve_plain([](Request&) { return dawdle(); });
  Raw busy(port);
  busy.send("GET / HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) + "\r\n\r\n");
  ::usleep(50'000);
  auto begun = std::chrono::steady_clock::now();
  stop(100ms);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 3s);
}

}  // namespace
}  // namespace drover::net::test
