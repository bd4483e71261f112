// pkv_check.h - What the tests of examples/pkv share.
#ifndef PERDURE_TEST_PKV_CHECK_H
#define PERDURE_TEST_PKV_CHECK_H

#include "pkv.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

/// Which process says it, where there are several.
inline const char *Me = nullptr;

[[noreturn]] inline void failCheck(const char *File, int Line, const char *What) {
  int Error = errno;
  std::fprintf(stderr, "%.*s: line %d%s%s: %s (%s; %s)\n",
               int(std::strcspn(File, ".")), File, Line, Me ? ", " : "", Me ? Me : "",
               What, pkv_errormsg(), std::strerror(Error));
  std::_Exit(1);
}

#define CHECK(Condition)                                                       \
  do                                                                           \
    if (!(Condition))                                                          \
      failCheck(__FILE_NAME__, __LINE__, #Condition);                          \
  while (0)

inline bool works(bool Result) { return Result; }
inline bool works(long Result) { return Result >= 0; }
inline bool works(int Result) { return Result >= 0; }
inline bool works(const void *Result) { return Result; }

/// Fails with that error, and says something about it.
#define REFUSES(Error, Word, Call)                                             \
  do {                                                                         \
    errno = 0;                                                                 \
    bool Works = works(Call);                                                  \
    CHECK(!Works);                                                             \
    CHECK(errno == Error);                                                     \
    CHECK(std::strstr(pkv_errormsg(), Word));                                  \
  } while (0)

inline struct pkv_bytes as_pkv(const std::string &S) {
  return {S.data(), S.size()};
}
inline std::string text(struct pkv_bytes B) {
  return std::string(static_cast<const char *>(B.data), B.size);
}

#endif // PERDURE_TEST_PKV_CHECK_H
