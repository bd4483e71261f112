/*===- perdure/attributes.h - How a program says "persistent" -------------===*\
|*
|* The macros behind which the annotations stand, and the check that something
|* gives them a meaning. docs/LanguageReference.md describes them.
|*
\*===----------------------------------------------------------------------===*/
#ifndef PERDURE_ATTRIBUTES_H
#define PERDURE_ATTRIBUTES_H

#if defined(__PERDURE__)
#define PERDURE __attribute__((perdure_persistent))
#define PERDURE_ENCODED(Name) __attribute__((perdure_persistent(Name)))
#define PERDURE_TRANSIENT __attribute__((perdure_transient))
#define PERDURE_GRAY __attribute__((perdure_gray))
#define PERDURE_TRANSACTION __attribute__((perdure_transaction))
#define PERDURE_IN_TRANSACTION __attribute__((perdure_in_transaction))
#define PERDURE_TX_SAFE __attribute__((perdure_tx_safe))
#elif defined(PERDURE_EDITOR)
/* Editors and analysers read the program as ordinary C and C++. Clang's tools
   still see what is annotated; other compilers would warn of it. */
#if defined(__clang__)
#define PERDURE__SAYS(Word) __attribute__((annotate("perdure." Word)))
#else
#define PERDURE__SAYS(Word)
#endif
#define PERDURE PERDURE__SAYS("persistent")
#define PERDURE_ENCODED(Name) PERDURE__SAYS("persistent")
#define PERDURE_TRANSIENT PERDURE__SAYS("transient")
#define PERDURE_GRAY PERDURE__SAYS("gray")
#define PERDURE_TRANSACTION PERDURE__SAYS("transaction")
#define PERDURE_IN_TRANSACTION PERDURE__SAYS("in_transaction")
#define PERDURE_TX_SAFE PERDURE__SAYS("tx_safe")
/* [[perdure::persistent]] and its like, which they would warn of. */
#if defined(__clang__)
#pragma clang diagnostic ignored "-Wunknown-attributes"
#elif defined(__GNUC__) && __GNUC__ >= 12
#pragma GCC diagnostic ignored_attributes "perdure::"
#endif
#else
/* clang-format off */
#error "perdure/perdure.h needs the Perdure plugin: compile with perdure-cc or perdure-c++, or add -fplugin=PerdureClang.so (define PERDURE_EDITOR for tools that only read the code)"
/* clang-format on */
#endif

#endif /* PERDURE_ATTRIBUTES_H */
