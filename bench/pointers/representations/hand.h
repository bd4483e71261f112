//===- hand.h - Offsets by hand, the base in a local ------------*- C++ -*-===//
//
// What a careful programmer writes without help: 64-bit offsets from the start
// of the memory, 0 for null, and a base that each function fetches once.
//
//===----------------------------------------------------------------------===//

namespace {

char *HandBase;

template <class T> struct Offset {
  uint64_t Value;
  __attribute__((always_inline)) T *in(char *Base) const {
    return Value ? reinterpret_cast<T *>(Base + Value) : nullptr;
  }
  __attribute__((always_inline)) void set(char *Base, T *P) {
    Value = P ? static_cast<uint64_t>(reinterpret_cast<char *>(P) - Base) : 0;
  }
};

} // namespace

#define ANNOTATED
#define PTR(T) Offset<T>
#define LOAD(Field) ((Field).in(Base))
#define STORE(Field, P) ((Field).set(Base, P))
#define HOIST                                                                  \
  char *const Base = HandBase;                                                 \
  __builtin_assume(Base != nullptr)
#define ENTER(P) (HandBase = reinterpret_cast<char *>(P))
