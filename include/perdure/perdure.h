/*===- perdure/perdure.h - Attributes and the runtime, for programs --------===*\
|*
|* What a program includes. The attributes need the compiler plugin; the
|* runtime's functions alone are in <perdure/runtime.h>, which any compiler
|* reads. docs/LanguageReference.md describes both.
|*
\*===----------------------------------------------------------------------===*/
#ifndef PERDURE_PERDURE_H
#define PERDURE_PERDURE_H

#if defined(__PERDURE__)
#define PERDURE __attribute__((perdure_persistent))
#define PERDURE_TRANSIENT __attribute__((perdure_transient))
#elif defined(PERDURE_EDITOR)
/* Editors and analysers read the program as ordinary C and C++. */
#define PERDURE
#define PERDURE_TRANSIENT
#else
#error "perdure/perdure.h needs the Perdure plugin: compile with perdure-cc or perdure-c++, or add -fplugin=PerdureClang.so (define PERDURE_EDITOR for tools that only read the code)"
#endif

#include <perdure/runtime.h>

#endif /* PERDURE_PERDURE_H */
