//===- Store.cpp - Stores that commands open, and their errors ------------===//

#include "Store.h"
#include "Command.h"
#include "Output.h"

#include <cerrno>
#include <cstdio>

Store::Store(const std::string &Path, unsigned Flags,
             const std::string &HintIfMissing)
    : Path(Path), Handle(perdure_store_open(Path.c_str(), Flags)) {
  if (!Handle)
    reportFailure(errno == ENOENT ? HintIfMissing : "");
}

int reportFailure(const std::string &Hint) {
  std::string Message = perdure_errormsg();
  size_t Advice = Message.rfind("; ");
  if (!Hint.empty() && Advice != std::string::npos &&
      (Message.find("perdure_", Advice) != std::string::npos ||
       Message.find("PERDURE_", Advice) != std::string::npos))
    Message.resize(Advice);
  fflush(stdout);
  fprintf(stderr, "perdure: %s\n", Message.c_str());
  if (!Hint.empty())
    fprintf(stderr, "hint: %s\n", Hint.c_str());
  return Failure;
}

int reportObjectFailure(const Store &S) {
  switch (errno) {
  case ENOENT:
    return reportFailure("perdure ls " + quoteForShell(S.path()) +
                         " lists what there is");
  default:
    return reportFailure();
  }
}

std::string toHex(perdure_id Id) {
  char Text[33];
  snprintf(Text, sizeof(Text), "%016llx%016llx", (unsigned long long)Id.hi,
           (unsigned long long)Id.lo);
  return Text;
}

std::string pathOf(const Store &S, perdure_id Id) {
  return S.path() + "/objects/" + toHex(Id);
}

const char *kindOf(const struct perdure_holder &Holder) {
  return Holder.writers == PERDURE_EXCL     ? "exclusive"
         : Holder.writers == PERDURE_SHARED ? "shared"
                                            : "none";
}

std::string describe(const struct perdure_holder &Holder) {
  std::string Text = "nobody";
  if (Holder.writers == PERDURE_EXCL)
    Text = Holder.pid ? "process " + std::to_string(Holder.pid) + " alone"
                      : "one process alone";
  else if (Holder.writers == PERDURE_SHARED)
    Text = "processes in turns";
  if (Holder.in_section == Holder.pid && Holder.pid)
    Text += ", in a write section now";
  else if (Holder.in_section)
    Text += ", process " + std::to_string(Holder.in_section) +
            " in a write section now";
  return Text;
}
