//===- Trace.h - Reads what a traced run wrote ------------------*- C++ -*-===//

#ifndef PERDURE_TOOLS_CRASH_TRACE_H
#define PERDURE_TOOLS_CRASH_TRACE_H

#include <perdure/trace_format.h>
#include <string>
#include <vector>

namespace crash {

struct Event {
  perdure_trace_kind Kind;
  uint32_t Thread, Process;
  uint64_t Where, Extent;
  std::string Text, Data;
};

/// False, and a reason, when the file is no trace or was cut off.
bool readTrace(const std::string &Path, std::vector<Event> &Events,
               std::string &Why);

} // namespace crash

#endif // PERDURE_TOOLS_CRASH_TRACE_H
