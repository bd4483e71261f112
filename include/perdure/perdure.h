/*===- perdure/perdure.h - Attributes and the runtime, for programs -------===*\
|*
|* What a program includes, in C11 or C++17 and later. The attributes need the
|* compiler plugin; the runtime's functions alone are in <perdure/runtime.h>,
|* which any compiler reads. docs/LanguageReference.md describes both,
|* docs/Cxx.md what there is for C++.
|*
\*===----------------------------------------------------------------------===*/
#ifndef PERDURE_PERDURE_H
#define PERDURE_PERDURE_H

#include <perdure/attributes.h>
#include <perdure/near.h>
#include <perdure/runtime.h>

#if !defined(__cplusplus)
#include <perdure/arrays.h>
#include <perdure/atomic.h>
#elif __cplusplus >= 201703L
#include <perdure/allocator.h>
#include <perdure/arrays.h>
#include <perdure/atomic.h>
#include <perdure/atomic_ptr.h>
#include <perdure/make.h>
#include <perdure/ptr.h>
#include <perdure/ref.h>
#include <perdure/traits.h>
#else
#include <perdure/ptr.h>
#endif

#endif /* PERDURE_PERDURE_H */
