//===- Hook.h - Has Clang call us for every declaration ---------*- C++ -*-===//
//
// An attribute of our own is pushed over the whole TU, as `#pragma clang
// attribute` would push it, so that Clang gives it to every declaration as it
// makes one and thus calls `declared` (Declarations.cpp). It is pushed through
// Sema: a pragma in the predefines is lost where a PCH brings its own.
//
//===----------------------------------------------------------------------===//
#ifndef PERDURE_CLANG_HOOK_H
#define PERDURE_CLANG_HOOK_H

#include "clang/Sema/ParsedAttr.h"

namespace clang {
class CompilerInstance;
class Sema;
} // namespace clang

namespace perdure {

class DeclarationHook {
public:
  /// Pushes the attribute. It stays for the life of this object.
  void push(clang::Sema &S);
  /// Has it popped after the last token of the TU, before Clang looks for
  /// pushes without a pop.
  static void popAtEnd(clang::CompilerInstance &CI);

private:
  clang::AttributeFactory Factory;
  clang::ParsedAttributes Attributes{Factory};
};

} // namespace perdure

#endif // PERDURE_CLANG_HOOK_H
