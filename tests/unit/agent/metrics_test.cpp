// The text format, to the letter.
#include "agent/metrics.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace drover::agent {

TEST(Exposition, WritesFamiliesAndEscapes) {
  Exposition out;
  out.family("drover_x_total", "counter", "Lines\nand \\ back.")
      .sample({{"a", "q\"uo\\te\n"}, {"b", "plain"}}, 12)
      .sample({}, 0.125);
  EXPECT_EQ(out.text(),
            "# HELP drover_x_total Lines\\nand \\\\ back.\n# TYPE drover_x_total counter\n"
            "drover_x_total{a=\"q\\\"uo\\\\te\\n\",b=\"plain\"} 12\ndrover_x_total 0.125\n");
}

TEST(Exposition, WritesEveryNumber) {
  Exposition out;
  out.family("x", "gauge", "x")
      .sample({}, NAN)
      .sample({}, INFINITY)
      .sample({}, -INFINITY)
      .sample({}, 1e18)
      .sample({}, -3);
  EXPECT_NE(out.text().find("x NaN\nx +Inf\nx -Inf\nx 1e+18\nx -3\n"), std::string::npos) << out.text();
}

TEST(Exposition, ProcessMetricsAreThere) {
  Exposition out;
  add_process_metrics(out);
  for (const char* name : {"process_cpu_seconds_total ", "process_resident_memory_bytes ",
                           "process_open_fds ", "process_start_time_seconds "})
    EXPECT_NE(out.text().find(std::string("\n") + name), std::string::npos) << name;
}

}  // namespace drover::agent
