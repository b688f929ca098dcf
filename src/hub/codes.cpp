#include "hub/codes.hpp"

#include <sodium.h>

#include <array>

#include "base/text.hpp"

namespace drover::hub {

namespace {
constexpr int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
}

std::string to_base64url(std::string_view bytes) {
  std::string out(sodium_base64_encoded_len(bytes.size(), variant), '\0');
  sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                    bytes.size(), variant);
  out.pop_back();  // the terminating zero
  return out;
}

std::optional<std::string> from_base64url(std::string_view text) {
  std::string out(text.size(), '\0');
  std::size_t length = 0;
  int code = sodium_base642bin(reinterpret_cast<unsigned char*>(out.data()), out.size(), text.data(),
                               text.size(), nullptr, &length, nullptr, variant);
  if (code != 0) return std::nullopt;
  out.resize(length);
  return out;
}

std::string hash_of_secret(std::string_view secret) { return blake2b(secret); }

Result<std::string> hash_password(const Secret<std::string>& password) {
  const auto& text = password.reveal();
  if (text.size() < 8) return fail(Errc::invalid, "a password has at least 8 characters");
  if (text.size() > 1024) return fail(Errc::invalid, "a password has at most 1024 bytes");
  std::array<char, crypto_pwhash_STRBYTES> out{};
  if (crypto_pwhash_str(out.data(), text.data(), text.size(), crypto_pwhash_OPSLIMIT_MODERATE,
                        crypto_pwhash_MEMLIMIT_MODERATE) != 0)
    return fail(Errc::unavailable, "there is no memory to hash a password", {},
                "256 MiB are needed for a moment");
  return std::string(out.data());
}

bool password_matches(const std::string& hash, const Secret<std::string>& password) {
  const auto& text = password.reveal();
  if (text.size() > 1024) return false;
  if (hash.empty()) {
    std::array<char, crypto_pwhash_STRBYTES> ignored{};
    (void)crypto_pwhash_str(ignored.data(), text.data(), text.size(), crypto_pwhash_OPSLIMIT_MODERATE,
                            crypto_pwhash_MEMLIMIT_MODERATE);
    return false;
  }
  return crypto_pwhash_str_verify(hash.c_str(), text.data(), text.size()) == 0;
}

std::string random_trace() {
  std::array<std::uint8_t, 16> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  return to_hex(bytes);
}

}  // namespace drover::hub
