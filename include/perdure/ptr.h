/*===- perdure/ptr.h - The persistent pointer type by name ----------------===*\
|*
|* perdure::ptr<T>: the type "persistent pointer to T". It is an alias over
|* `T *`, no class: a field of this type is a pointer that is stored as a
|* persistent pointer. `perdure::ptr<T> *` is the type of its address.
|*
|* perdure::ptr<T> n;          // a variable or field
|* perdure::ptr<T> *at = &n;   // what `T **` is for native pointers
|*
|* Where a class is wanted (container elements, function results that must stay
|* persistent), there is perdure::ref<T>.
|*
\*===----------------------------------------------------------------------===*/
#ifndef PERDURE_PTR_H
#define PERDURE_PTR_H

#include <perdure/attributes.h>

namespace perdure {

template <class T> using ptr PERDURE = T *;

} // namespace perdure

#if defined(__PERDURE__)
namespace perdure {
namespace detail {
// The same for each encoding, for our own headers. That of the TU's own is
// perdure::ptr, unless another project has brought it.
#define PERDURE_ABI_ENCODING(Number, Name, Text, Doc)                          \
  template <class T> using Name##Pointer PERDURE_ENCODED(Text) = T *;
#include <perdure/abi.def>
} // namespace detail
} // namespace perdure
#endif

#endif /* PERDURE_PTR_H */
