// Join lines and renewal.
#include "agent/join.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

namespace drover::agent {

namespace {
JoinLine sample() {
  return {"https://hub.example:3079",
          "secret-word",
          {"sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="},
          "pve1"};
}
}  // namespace

TEST(JoinLine, PrintsAndReadsBack) {
  const auto text = print_join_line(sample());
  EXPECT_TRUE(text.starts_with("drover-join:v1:"));
  EXPECT_EQ(text.find_first_of("+/= \n"), std::string::npos);
  const auto line = parse_join_line("  " + text + "\n");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->hub, sample().hub);
  EXPECT_EQ(line->secret, sample().secret);
  EXPECT_EQ(line->pins, sample().pins);
  EXPECT_EQ(line->name, "pve1");
}

TEST(JoinLine, RefusesWhatIsCutOrChanged) {
  const auto text = print_join_line(sample());
  for (const auto& bad : {std::string(), std::string("hello"), text.substr(0, text.size() / 2), text + "!",
                          std::string("drover-join:v1:"), std::string("drover-join:v2:") + text.substr(15)})
    EXPECT_FALSE(parse_join_line(bad)) << bad;
  auto unpinned = sample();
  unpinned.pins.clear();
  EXPECT_FALSE(parse_join_line(print_join_line(unpinned)));
  unpinned.pins = {"trust me"};
  EXPECT_FALSE(parse_join_line(print_join_line(unpinned)));
}

TEST(NodeIdentity, SurvivesARenewalThatWasCut) {
  char path[] = "/tmp/drover-identity-XXXXXX";
  const std::string state = ::mkdtemp(path);
  const WallTime now(1'790'000'000s);
  const auto ca = net::create_ca("test", now);
  ASSERT_TRUE(ca);
  const auto make = [&] {
    NodeIdentity identity{"01912d68-783e-7a03-8467-5661c1243ad4",
                          "pve1",
                          "https://hub:3079",
                          {},
                          ca->certificate,
                          {"sha256/x"}};
    auto key = net::create_key();
    identity.certificate.certificate = *net::sign_agent(*ca, *net::create_request(*key), identity.uid, now);
    identity.certificate.key = std::move(*key);
    return identity;
  };
  EXPECT_EQ(load_node_identity(state).error().code, Errc::not_found);
  const auto first = make(), second = make();
  ASSERT_TRUE(save_node_identity(state, first));
  EXPECT_EQ(load_node_identity(state)->certificate.key, first.certificate.key);
  // The second save ended before its last rename.
  ASSERT_TRUE(net::write_file_atomically(state + "/key.pem.next", second.certificate.key.reveal(), 0600));
  EXPECT_EQ(load_node_identity(state)->certificate.key, first.certificate.key);
  ASSERT_TRUE(net::write_file_atomically(state + "/cert.pem", second.certificate.certificate, 0644));
  const auto loaded = load_node_identity(state);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->certificate.key, second.certificate.key);
  EXPECT_EQ(load_node_identity(state)->name, "pve1");
  ::chmod((state + "/key.pem").c_str(), 0644);
  EXPECT_EQ(load_node_identity(state).error().code, Errc::denied);
  std::filesystem::remove_all(state);
}

TEST(Renewal, IsDueAtTwoThirdsOfLife) {
  net::CertificateInfo certificate;
  certificate.not_before = WallTime(0s);
  certificate.not_after = WallTime(std::chrono::hours(24 * 300));
  EXPECT_FALSE(renewal_due(certificate, WallTime(std::chrono::hours(24 * 199))));
  EXPECT_TRUE(renewal_due(certificate, WallTime(std::chrono::hours(24 * 200))));
}

}  // namespace drover::agent
