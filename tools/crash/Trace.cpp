//===- Trace.cpp - Reads what a traced run wrote --------------------------===//

#include "Trace.h"

#include <cstring>
#include <fstream>

bool crash::readTrace(const std::string &Path, std::vector<Event> &Events,
                      std::string &Why) {
  std::ifstream File(Path, std::ios::binary);
  char Magic[sizeof(PERDURE_TRACE_MAGIC) - 1];
  if (!File.read(Magic, sizeof(Magic)) ||
      memcmp(Magic, PERDURE_TRACE_MAGIC, sizeof(Magic))) {
    Why = "the trace cannot be read";
    return false;
  }
  perdure_trace_record R;
  while (File.read(reinterpret_cast<char *>(&R), sizeof(R))) {
    Event E{static_cast<perdure_trace_kind>(R.kind), R.thread, R.process,
            R.where, R.extent, std::string(R.text_bytes, 0),
            std::string(R.data_bytes, 0)};
    if (!File.read(&E.Text[0], R.text_bytes) ||
        !File.read(&E.Data[0], static_cast<std::streamsize>(R.data_bytes))) {
      Why = "the trace was cut off";
      return false;
    }
    Events.push_back(std::move(E));
  }
  if (File.gcount()) {
    Why = "the trace was cut off";
    return false;
  }
  return true;
}
