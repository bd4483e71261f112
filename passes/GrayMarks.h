//===- GrayMarks.h - How front ends mark Gray-coded fields ------*- C++ -*-===//
//
// An access to a Gray-coded field goes through a call of llvm.ptr.annotation
// with this text, which Clang makes of the attribute `annotate` on a field. A
// variable whose initialiser has such fields has an entry in
// llvm.global.annotations, whose text says where they lie:
//
//     fields  = StaticText { field | array }
//     field   = "g" offset ":" bytes ";"
//     array   = "a" offset ":" count ":" stride "[" { field | array } "]"
//
// in bytes, from the start of what is around it; count 0 is a flexible array.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_PASSES_GRAYMARKS_H
#define PERDURE_PASSES_GRAYMARKS_H

namespace perdure {

inline constexpr char GrayText[] = "perdure::gray";
inline constexpr char GrayStaticText[] = "perdure::gray static ";
/// A function that stands before a value which must not become part of a
/// constant: constants of other storage than a variable's are not translated.
inline constexpr char GrayOpaqueSymbol[] = "perdure.gray.opaque";
/// ptr bytes(ptr): the address of a field's bytes, through which nothing is
/// decoded or encoded.
inline constexpr char GrayBytesSymbol[] = "perdure.gray.bytes";

} // namespace perdure

#endif
