#include <fstream>

#include "integration/net/harness.hpp"
#include "net/sse.hpp"

namespace drover::net::test {
namespace {

using Streams = ServerTest;

struct Told {
  Event started, left;
  std::atomic<std::size_t> written = 0;
  std::atomic<bool> gone = false;
};

// Sets `left` however the stream function ends.
struct Leaving {
  Told* told;
  BodyWriter* out;
  ~Leaving() {
    told->gone = out->gone();
    told->left.set();
  }
};

Awaitable<void> count_to(int last, BodyWriter* out) {
  for (int i = 1; i <= last; ++i)
    if (!co_await out->write(format_sse({std::to_string(i), "", "number " + std::to_string(i)}))) co_return;
}

Awaitable<void> wait_for_ever(Told* told, BodyWriter* out) {
  Leaving leaving{told, out};
  co_await out->write("first\n");
  told->started.set();
  co_await sleep_for(1h);
}

Awaitable<void> flood(Told* told, BodyWriter* out) {
  Leaving leaving{told, out};
  std::string block(64 << 10, 'x');
  for (;;) {
    if (!co_await out->write(block)) co_return;
    told->written += block.size();
  }
}

Awaitable<void> break_off(BodyWriter* out) {
  co_await out->write("half");
  throw std::runtime_error("no more");
}

Awaitable<Response> ready(Response response) { co_return response; }

template <class Function>
Handler streams(Function function, bool endless = false) {
  return [function, endless](Request&) {
    Response response;
    response.stream = [function](BodyWriter& out) { return function(&out); };
    response.endless = endless;
    return ready(std::move(response));
  };
}

Awaitable<Result<std::vector<SseEvent>>> read_events(HttpClient* client) {
  CO_TRY(auto stream, co_await client->open({.target = "/events"}, 5s));
  SseReader reader;
  std::vector<SseEvent> events;
  for (;;) {
    CO_TRY(auto line, co_await stream.line(5s));
    if (!line) co_return events;
    if (auto event = reader.line(*line)) events.push_back(*event);
  }
}

TEST_F(Streams, LinesArriveInOrder) {
  auto port = serve_plain(
      [](Request&) { return ready(sse_response([](BodyWriter& out) { return count_to(5000, &out); })); });
  HttpClient client(url(port), {});
  auto events = wait_for(pool_.executor(1), read_events(&client));
  ASSERT_TRUE(events) << events.error().message;
  ASSERT_EQ(events->size(), 5000u);
  EXPECT_EQ(events->back().data, "number 5000");
}

TEST_F(Streams, PeerGoneCancelsTheWriter) {
  Told told;
  auto port = serve_plain(streams([&told](BodyWriter* out) { return wait_for_ever(&told, out); }));
  {
    Raw raw(port);
    raw.send("GET / HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) + "\r\n\r\n");
    EXPECT_NE(raw.read_until("first").find("Transfer-Encoding: chunked"), std::string::npos);
  }
  EXPECT_TRUE(run(told.left.wait_for(5s)));
  EXPECT_TRUE(told.gone);
}

TEST_F(Streams, RequestsSentAheadDoNotEndTheStream) {
  auto port = serve_plain(streams([](BodyWriter* out) { return count_to(3, out); }));
  auto get = "GET / HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) + "\r\n\r\n";
  Raw raw(port);
  raw.send(get + get + get);
  std::string all;
  for (int i = 0; i < 3; ++i) all += raw.read_until("0\r\n\r\n", 1000);
  std::size_t answers = 0;
  for (auto at = all.find("200 OK"); at != all.npos; at = all.find("200 OK", at + 1)) ++answers;
  EXPECT_EQ(answers, 3u) << all;
}

std::size_t resident_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) return std::stoul(line.substr(6));
  return 0;
}

TEST_F(Streams, StoppedReaderKeepsMemoryBoundedAndIsCut) {
  Told told;
  ServerSettings settings;
  settings.write_progress = 500ms;
  auto port = serve_plain(streams([&told](BodyWriter* out) { return flood(&told, out); }), settings);
  auto before = resident_kib();
  Raw raw(port);
  raw.send("GET / HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) + "\r\n\r\n");
  EXPECT_TRUE(run(told.left.wait_for(10s)));
  EXPECT_LT(told.written, 64u << 20);  // what the kernel's buffers take
  EXPECT_LT(resident_kib(), before + 32 * 1024);
}

TEST_F(Streams, FailureIsVisibleToTheReader) {
  auto port = serve_plain(streams([](BodyWriter* out) { return break_off(out); }));
  auto answer = get(url(port), "/");
  ASSERT_FALSE(answer);  // no last chunk: not a complete answer
  EXPECT_EQ(answer.error().code, Errc::unavailable);
  ASSERT_EQ(problems().size(), 1u);
}

TEST_F(Streams, StopCutsEndlessOnesAtOnce) {
  Told told;
  auto port = serve_plain(streams([&told](BodyWriter* out) { return wait_for_ever(&told, out); }, true));
  Raw raw(port);
  raw.send("GET / HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) + "\r\n\r\n");
  raw.read_until("first");
  auto begun = std::chrono::steady_clock::now();
  stop(10s);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 4s);
}

Awaitable<Result<std::string>> silence(HttpClient* client) {
  CO_TRY(auto stream, co_await client->open({}, 5s));
  CO_TRY(auto first, co_await stream.line(5s));
  auto second = co_await stream.line(100ms);
  co_return second ? fail(Errc::internal, "there was a line") : Result<std::string>(fail(second.error()));
}

TEST_F(Streams, ClientNoticesSilence) {
  Told told;
  auto port = serve_plain(streams([&told](BodyWriter* out) { return wait_for_ever(&told, out); }));
  HttpClient client(url(port), {});
  EXPECT_EQ(wait_for(pool_.executor(1), silence(&client)).error().code, Errc::timeout);
  EXPECT_TRUE(run(told.left.wait_for(5s)));
}

}  // namespace
}  // namespace drover::net::test
