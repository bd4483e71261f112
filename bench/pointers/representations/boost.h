//===- boost.h - Boost.Interprocess, offset_ptr -----------------*- C++ -*-===//

#include <boost/interprocess/offset_ptr.hpp>

#define ANNOTATED
#define PTR(T) boost::interprocess::offset_ptr<T>
#define LOAD(Field) ((Field).get())
#define STORE(Field, P) ((Field) = (P))
#define HOIST
#define ENTER(P) ((void)(P))
