#include "hub/jwt.hpp"

#include <gtest/gtest.h>
#include <sodium.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "hub/codes.hpp"

namespace drover::hub {
namespace {

const std::string secret(32, 's');
const WallTime now{std::chrono::seconds(1'700'000'000)};

std::string token(const std::string& claims, const std::string& header = R"({"alg":"HS256"})",
                  const std::string& key = secret) {
  std::string text = to_base64url(header) + "." + to_base64url(claims);
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(key.data()), key.size());
  crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  std::string hash(crypto_auth_hmacsha256_BYTES, 0);
  crypto_auth_hmacsha256_final(&state, reinterpret_cast<unsigned char*>(hash.data()));
  return text + "." + to_base64url(hash);
}
const std::string good = R"({"sub":"host:nas","roles":["agent"],"exp":1700000100})";

TEST(Jwt, NamesTheNode) {
  auto claims = check_jwt(token(good), secret, now);
  ASSERT_TRUE(claims) << claims.error().cause;
  EXPECT_EQ(claims->subject, "nas");
}

TEST(Jwt, KnownAnswerOfRfc7515) {  // appendix A.1: its signature is right, but it has no roles
  const std::string example =
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9p"
      "c19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  auto key = from_base64url(
      "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow");
  WallTime then{std::chrono::seconds(1'300'819'000)};
  EXPECT_EQ(check_jwt(example, *key, then).error().cause, "it names nobody (sub)");
  EXPECT_EQ(check_jwt(example, *key, now).error().cause, "it has expired");
}

TEST(Jwt, AllElseIsRefused) {
  auto refused = [](const std::string& text) {
    auto claims = check_jwt(text, secret, now);
    return claims ? "taken" : claims.error().cause.empty() ? claims.error().message : claims.error().cause;
  };
  EXPECT_EQ(refused(token(good, R"({"alg":"none"})")), "only HS256 is taken");
  EXPECT_EQ(refused(token(good, R"({"alg":"HS256"})", std::string(32, 'x'))),
            "its signature is another one's");
  EXPECT_EQ(refused(token(R"({"sub":"nas","roles":["agent"],"exp":1600000000})")), "it has expired");
  EXPECT_EQ(refused(token(R"({"sub":"nas","roles":["agent"]})")), "it has no end (exp)");
  EXPECT_EQ(refused(token(R"({"sub":"nas","roles":["user"],"exp":1700000100})")),
            "the token is not an agent's (roles)");
  EXPECT_EQ(refused(token(R"({"roles":["agent"],"exp":1700000100})")), "it names nobody (sub)");
  EXPECT_EQ(refused("a.b"), "it is no JWT");
  EXPECT_EQ(refused("..!"), "it is no JWT");
  auto cut = token(good);
  EXPECT_NE(refused(cut.substr(0, cut.size() - 4)), "taken");
}

TEST(Jwt, TheSecretIsLongAndNotForAll) {
  auto path = (std::filesystem::temp_directory_path() / "drover-jwt-secret-test").string();
  auto write = [&](const std::string& text, mode_t mode) {
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
  };
  write(secret + "\n", 0600);
  EXPECT_EQ(*read_jwt_secret(path), secret);
  write("short", 0600);
  EXPECT_FALSE(read_jwt_secret(path));
  write(secret, 0644);
  EXPECT_NE(read_jwt_secret(path).error().message.find("everybody may read"), std::string::npos);
  std::filesystem::remove(path);
  EXPECT_FALSE(read_jwt_secret(path));
}

}  // namespace
}  // namespace drover::hub
