#include "protocol/codec.hpp"

#include <gtest/gtest.h>

#include <boost/mp11/algorithm.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/json.hpp"

namespace drover::protocol {
namespace {

/// tests run in the root of the tree
const std::filesystem::path golden = "tests/unit/protocol/golden";

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST(Codec, MembersLieBesideTheNumbers) {
  Envelope envelope{1, 2, 3, Heartbeat{17}};
  EXPECT_EQ(encode(envelope), R"({"t":"heartbeat","n":1,"a":2,"e":3,"sent":17})");
  envelope.epoch = 0;
  EXPECT_EQ(encode(envelope), R"({"t":"heartbeat","n":1,"a":2,"sent":17})");
}

TEST(Codec, EveryKindComesBackAsItWas) {
  std::size_t count = 0;
  boost::mp11::mp_for_each<Frame>([&](auto frame) {
    Envelope envelope{7, 6, 5, frame};
    std::string text = encode(envelope);
    auto back = decode(text);
    ASSERT_TRUE(back) << text << back.error().message;
    EXPECT_EQ(encode(*back), text);
    EXPECT_EQ(back->n, 7u);
    EXPECT_EQ(back->a, 6u);
    EXPECT_EQ(back->epoch, 5u);
    EXPECT_EQ(back->frame.index(), envelope.frame.index());
    ++count;
  });
  EXPECT_EQ(count, std::variant_size_v<Frame>);
}

TEST(Codec, NoMemberOfAFrameIsCalledLikeTheNumbers) {
  boost::mp11::mp_for_each<Frame>([&](auto frame) {
    boost::mp11::mp_for_each<drover::detail::members_of<decltype(frame)>>([&](auto member) {
      for (std::string_view taken : {"t", "n", "a", "e"})
        EXPECT_NE(member.name, taken) << decltype(frame)::kind;
    });
  });
}

TEST(Codec, UnknownMembersAreIgnored) {
  auto envelope = decode(
      R"({"t":"cancel","n":1,"a":0,"task":"01912d68-783e-7a03-8467-5661c1243ad4","attempt":2,"new":{"x":1}})");
  ASSERT_TRUE(envelope);
  EXPECT_EQ(std::get<Cancel>(envelope->frame).attempt, 2u);
}

TEST(Codec, AnUnknownKindIsNamed) {
  auto envelope = decode(R"({"t":"teleport","n":1,"a":0})");
  ASSERT_FALSE(envelope);
  EXPECT_EQ(envelope.error().code, Errc::unsupported);
  EXPECT_EQ(envelope.error().message, "unknown frame \"teleport\"");
}

TEST(Codec, BadInputIsRefusedWithItsPlace) {
  for (const char* text : {"", "[]", "7", "{}x", R"({"t":1})", R"({"t":"cancel","n":-1})", R"({"n":1,"n":2})",
                           R"({"t":"cancel","task":"nope"})"})
    EXPECT_FALSE(decode(text)) << text;
  auto bad = decode(R"({"t":"assign","n":1,"a":0,"placement":{"epoch":"x"}})");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().problems.at(0).path, "placement.epoch");
  EXPECT_TRUE(bad.error().message.starts_with("frame \"assign\": placement.epoch")) << bad.error().message;
}

TEST(Codec, SizesAreBounded) {
  std::string huge(max_frame + 1, ' ');
  EXPECT_EQ(decode(huge).error().code, Errc::exhausted);
  EXPECT_EQ(decode_batch(huge).error().code, Errc::exhausted);
  std::string many = "[";
  for (std::size_t i = 0; i <= max_batch; ++i) many += i ? ",0" : "0";
  EXPECT_EQ(decode_batch(many + "]").error().code, Errc::exhausted);
  EXPECT_FALSE(decode(std::string(100, '[') + std::string(100, ']')));
}

TEST(Codec, Batches) {
  std::vector<Envelope> all{{1, 0, 0, Hello{.name = "pve1"}}, {2, 0, 0, Heartbeat{5}}};
  std::string text = encode_batch(all);
  auto back = decode_batch(text);
  ASSERT_TRUE(back);
  ASSERT_EQ(back->size(), 2u);
  EXPECT_EQ(encode_batch(*back), text);
  EXPECT_FALSE(decode_batch(R"([{"t":"heartbeat","n":1},{"t":"nope","n":2}])"));
  EXPECT_FALSE(decode_batch(R"({"t":"heartbeat","n":1})"));
  EXPECT_EQ(decode_batch("[]")->size(), 0u);
}

/// Frames as former versions wrote them: they stay readable, and what they say stays the same. To add one:
/// write the file by hand. Never change one that is there.
TEST(Golden, FramesOfFormerVersionsStayReadable) {
  std::set<std::string> kinds;
  for (const auto& entry : std::filesystem::directory_iterator(golden)) {
    std::string text = read(entry.path());
    auto envelope = decode(text);
    ASSERT_TRUE(envelope) << entry.path() << ": " << envelope.error().message;
    // Everything that the old text says is still said.
    json::value old = *parse_json(text), now = *parse_json(encode(*envelope));
    for (const auto& member : old.as_object()) {
      auto* found = now.as_object().if_contains(member.key());
      ASSERT_TRUE(found) << entry.path() << " " << member.key();
      if (!member.value().is_structured())
        EXPECT_EQ(*found, member.value()) << entry.path() << " " << member.key();
    }
    kinds.insert(std::string(kind(envelope->frame)));
  }
  EXPECT_EQ(kinds.size(), std::variant_size_v<Frame>) << "one golden file for each kind of frame";
}

TEST(Golden, AnAssignmentSaysWhatItSaid) {
  auto envelope = decode(read(golden / "assign.json"));
  ASSERT_TRUE(envelope) << envelope.error().message;
  const auto& assign = std::get<Assign>(envelope->frame);
  EXPECT_EQ(assign.type, TaskType::deploy);
  EXPECT_EQ(assign.placement.epoch, 3u);
  ASSERT_TRUE(assign.service);
  EXPECT_EQ(assign.service->name, "web");
  EXPECT_EQ(assign.service->ports.at(0).published, 8080);
  EXPECT_EQ(assign.service->probes.ready->interval, 2s);
  EXPECT_EQ(std::get<ProcessSpec>(assign.service->spec).command.at(0), "/usr/bin/python3");
  EXPECT_EQ(assign.service->restart.policy, RestartPolicy::on_failure);
  EXPECT_EQ(assign.who.actor, "user:anna");
}

}  // namespace
}  // namespace drover::protocol
