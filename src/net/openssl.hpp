#pragma once
// Owners for OpenSSL's objects. Internal to net.

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "net/ca.hpp"

namespace drover::net {

template <auto release>
struct Release {
  template <class T>
  void operator()(T* object) const {
    release(object);
  }
};
using BioPtr = std::unique_ptr<BIO, Release<BIO_free_all>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Release<EVP_PKEY_free>>;
using CertPtr = std::unique_ptr<X509, Release<X509_free>>;
using RequestPtr = std::unique_ptr<X509_REQ, Release<X509_REQ_free>>;
using StorePtr = std::unique_ptr<X509_STORE, Release<X509_STORE_free>>;
using StoreContextPtr = std::unique_ptr<X509_STORE_CTX, Release<X509_STORE_CTX_free>>;
using ContextPtr = std::unique_ptr<SSL_CTX, Release<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, Release<SSL_free>>;

/// Empties OpenSSL's error queue of this thread into text; "" when it was empty.
std::string drain_errors();
/// Errc::invalid for bad input, with what OpenSSL says.
std::unexpected<Error> openssl_failure(std::string what, Errc code = Errc::internal);

Result<KeyPtr> read_key(std::string_view pem);
Result<std::vector<CertPtr>> read_certificates(std::string_view pem);  // at least one
std::string pin_of(X509* certificate);
CertificateInfo describe(X509* certificate);

}  // namespace drover::net
