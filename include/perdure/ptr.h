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

#endif /* PERDURE_PTR_H */
