//===- atomic.h - Atomic access to enumerations -----------------*- C++ -*-===//
//
// The built-in functions with _n in their names take integers and pointers
// only.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_PLATFORM_ATOMIC_H
#define PERDURE_RUNTIME_PLATFORM_ATOMIC_H

namespace perdure {

template <typename T> T atomicLoad(const T &Place) {
  T Value;
  __atomic_load(&Place, &Value, __ATOMIC_ACQUIRE);
  return Value;
}

template <typename T> void atomicStore(T &Place, T Value) {
  __atomic_store(&Place, &Value, __ATOMIC_RELEASE);
}

template <typename T> T atomicExchange(T &Place, T Value) {
  T Old;
  __atomic_exchange(&Place, &Value, &Old, __ATOMIC_ACQ_REL);
  return Old;
}

} // namespace perdure

#endif // PERDURE_RUNTIME_PLATFORM_ATOMIC_H
