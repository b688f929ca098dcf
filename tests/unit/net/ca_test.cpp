#include "net/ca.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

namespace drover::net {
namespace {

WallTime now() { return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()); }

struct Folder {
  std::string path;
  Folder() {
    char name[] = "/tmp/drover-ca-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path); }
};

TEST(Ca, IssuesHubAndAgentWithTheirRoles) {
  auto ca = create_ca("Test CA", now());
  ASSERT_TRUE(ca);
  EXPECT_EQ(inspect(ca->certificate)->role, CertRole::none);
  auto hub = issue_hub(*ca, {{"hub.example", "192.0.2.1"}}, now());
  ASSERT_TRUE(hub) << hub.error().cause;
  EXPECT_EQ(inspect(hub->certificate)->role, CertRole::hub);
  EXPECT_EQ(*ca_of(hub->certificate), ca->certificate);
  EXPECT_EQ(*pin_of_key(hub->key), *pin_of_certificate(hub->certificate));
  EXPECT_TRUE(is_pin(*pin_of_key(hub->key)));

  auto key = create_key();
  auto request = create_request(*key);
  auto agent = sign_agent(*ca, *request, "0192-abc", now());
  ASSERT_TRUE(agent) << agent.error().cause;
  auto info = inspect(*agent);
  EXPECT_EQ(info->role, CertRole::agent);
  EXPECT_EQ(info->agent_uid, "0192-abc");
  EXPECT_EQ(info->serial.size(), 32u);
  EXPECT_EQ(info->pin, *pin_of_key(*key));
  EXPECT_LT(info->not_before, now());
  EXPECT_GT(info->not_after, now() + std::chrono::days(364));
}

TEST(Ca, RefusesBadInput) {
  auto ca = create_ca("Test CA", now());
  auto request = create_request(*create_key());
  EXPECT_FALSE(sign_agent(*ca, *request, "a,DNS:evil", now()));
  EXPECT_FALSE(sign_agent(*ca, *request, "", now()));
  EXPECT_FALSE(sign_agent(*ca, "garbage", "a", now()));
  auto forged = *request;
  forged[80] = forged[80] == 'A' ? 'B' : 'A';
  EXPECT_FALSE(sign_agent(*ca, forged, "a", now()));
  EXPECT_FALSE(issue_hub(*ca, {{"a,URI:drover:agent/x"}}, now()));
  EXPECT_FALSE(issue_hub(Identity{ca->certificate, *create_key()}, {}, now()));
  EXPECT_FALSE(inspect(""));
  for (auto text : {"", "sha256/", "sha1/AAAA", "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})
    EXPECT_FALSE(is_pin(text)) << text;
}

TEST(IdentityFile, IsPrivateAndAtomic) {
  Folder folder;
  auto ca = create_ca("Test CA", now());
  ASSERT_TRUE(save_identity(folder.path, "ca", *ca));
  struct stat facts{};
  ASSERT_EQ(::stat((folder.path + "/ca.pem").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
  auto back = load_identity(folder.path, "ca");
  ASSERT_TRUE(back);
  EXPECT_EQ(back->certificate, ca->certificate);
  EXPECT_EQ(back->key, ca->key);
  ASSERT_TRUE(save_identity(folder.path, "ca", *create_ca("Other", now())));  // replaces
  EXPECT_EQ(load_identity(folder.path, "none").error().code, Errc::not_found);
  ::chmod((folder.path + "/ca.pem").c_str(), 0644);
  EXPECT_EQ(load_identity(folder.path, "ca").error().code, Errc::denied);
}

TEST(IdentityFile, RefusesAKeyThatIsNotTheCertificates) {
  Folder folder;
  auto ca = create_ca("Test CA", now());
  ASSERT_TRUE(save_identity(folder.path, "x", Identity{ca->certificate, *create_key()}));
  EXPECT_FALSE(load_identity(folder.path, "x"));
  ASSERT_TRUE(write_file_atomically(folder.path + "/x.pem", "half a fi", 0600));
  EXPECT_FALSE(load_identity(folder.path, "x"));
}

}  // namespace
}  // namespace drover::net
