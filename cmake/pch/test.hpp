#pragma once
// cmake/pch/common.hpp with the test framework.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common.hpp"
