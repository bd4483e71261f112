//===- OptionsTest.cpp - PERDURE_FLIPS ------------------------------------===//

#include "flips/options.h"

#include <gtest/gtest.h>
#include <string>

using namespace perdure::flips;

namespace {

bool parse(const std::string &Text, Options &O, std::string &Why) {
  char Message[256] = "";
  bool Ok = parseOptions(Text.c_str(), O, Message);
  Why = Message;
  return Ok;
}

TEST(FlipsOptions, TheDefaultsAreThePublishedCaches) {
  Options O;
  std::string Why;
  ASSERT_TRUE(parse("", O, Why));
  EXPECT_EQ(O.L1.Bytes, 65536u);
  EXPECT_EQ(O.L1.Ways, 2u);
  EXPECT_EQ(O.L2.Bytes, 2097152u);
  EXPECT_EQ(O.L2.Ways, 8u);
  EXPECT_TRUE(O.Model);
  EXPECT_STREQ(O.Controller, "dcw");
}

TEST(FlipsOptions, AllOfThem) {
  Options O;
  std::string Why;
  ASSERT_TRUE(
      parse("file=a b,l1=128:2,l2=4096:64,controller=fnw:16,model=0", O, Why))
      << Why;
  EXPECT_STREQ(O.File, "a b");
  EXPECT_EQ(O.L2.Ways, 64u);
  EXPECT_EQ(O.FnwBits, 16u);
  EXPECT_FALSE(O.Model);
}

TEST(FlipsOptions, CommasOfNames) {
  Options O;
  std::string Why;
  ASSERT_TRUE(parse("file=a\\,b\\\\,l1=128:2", O, Why)) << Why;
  EXPECT_STREQ(O.File, "a,b\\");
  EXPECT_EQ(O.L1.Bytes, 128u);
  ASSERT_TRUE(parse("file=a\\b\\", O, Why)) << Why;
  EXPECT_STREQ(O.File, "a\\b\\");
}

TEST(FlipsOptions, WhatMakesNoSenseIsNamed) {
  for (const char *Text :
       {"l1=100:1", "l1=64", "l1=192:1", "l2=64:0", "l2=65536:128",
        "controller=fnw:7", "controller=fnw", "controller=", "model=2",
        "file=", "file", "levels=2", "l1=64:1:1",
        "controller=a name that is longer than any"}) {
    Options O;
    std::string Why;
    EXPECT_FALSE(parse(Text, O, Why)) << Text;
    EXPECT_NE(Why.find(Text), std::string::npos) << Why;
  }
  Options O;
  std::string Why;
  EXPECT_FALSE(parse("file=" + std::string(5000, 'x'), O, Why));
  EXPECT_FALSE(parse("model=" + std::string(4200, 'x'), O, Why));
}

} // namespace
