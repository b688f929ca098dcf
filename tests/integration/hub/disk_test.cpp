// A hub whose disk fills up, and gets room again.

#include <fcntl.h>
#include <sys/mount.h>

#include <fstream>

#include "integration/hub/fixture.hpp"

namespace drover::hub::test {
namespace {

class SmallDisk {
 public:
  explicit SmallDisk(std::string at) : at_(std::move(at)) {
    mounted_ = ::mount("tmpfs", at_.c_str(), "tmpfs", 0, "size=6m") == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(at_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  /// Takes everything that is left.
  void fill() {
    std::ofstream file(at_ + "/ballast", std::ios::binary | std::ios::app);
    std::string block(64 << 10, 'x');
    while (file.write(block.data(), std::streamsize(block.size())).flush()) {
    }
    file.close();
    std::ofstream rest(at_ + "/ballast2", std::ios::binary);
    while (rest.put('x').flush()) {
    }
  }
  void empty() {
    fs::remove(at_ + "/ballast");
    fs::remove(at_ + "/ballast2");
  }

 private:
  std::string at_;
  bool mounted_ = false;
};

TEST(FullDisk, TurnsReadOnlyLosesNothingAndComesBack) {
  TemporaryDirectory outer;
  SmallDisk disk(outer.path());
  if (!disk.mounted()) GTEST_SKIP() << "because a small disk cannot be mounted here (not root)";
  RealClock clock;
  int quiet = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  Log log(clock, quiet, "hub", false);
  net::IoPool pool(2);
  HubOptions options;
  options.state = outer.path() + "/state";
  options.listen.clear();
  options.reserve = 1 << 20;
  auto opened = Hub::open(options, {pool, clock, log, 42, {}});
  ASSERT_TRUE(opened) << opened.error().message;
  auto hub = std::move(*opened);
  hub->start();
  auto url = *net::parse_url("unix:" + hub->socket());
  auto call = [&](std::string method, std::string path, std::string body = {}) {
    auto response = net::block_on(ask(url, {}, {std::move(method), std::move(path), {}, std::move(body)}));
    return response ? *response : net::ClientResponse{};
  };
  auto token = [&](int i) {
    return call("POST", "/api/v1/tokens", "{\"name\":\"t" + std::to_string(i) + "\"}").status;
  };
  ASSERT_EQ(token(0), 201);
  disk.fill();
  int made = 1, status = 201;
  while (made < 5000 && (status = token(made)) == 201) ++made;
  EXPECT_EQ(status, 503) << made;
  EXPECT_EQ(call("GET", "/health", "").status, 503);
  auto refused = call("POST", "/api/v1/tokens", "{\"name\":\"late\"}");
  EXPECT_NE(refused.body.find("read-only"), std::string::npos) << refused.body;
  EXPECT_EQ(call("GET", "/api/v1/summary").status, 200);  // reading goes on
  disk.empty();
  for (int i = 0; i < 100 && call("GET", "/health").status != 200; ++i) ::usleep(100'000);
  EXPECT_EQ(call("GET", "/health").status, 200);
  EXPECT_EQ(token(made), 201);
  auto tokens = call("GET", "/api/v1/tokens?limit=1000");
  for (int i = 0; i < std::min(made, 900); ++i)
    EXPECT_NE(tokens.body.find("\"t" + std::to_string(i) + "\""), std::string::npos);
  net::wait_for(pool.executor(0), hub->stop(200ms));
}

}  // namespace
}  // namespace drover::hub::test
